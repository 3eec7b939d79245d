"""The doorway: gates first, one unit of work, one audit row in it, or nothing at all."""

from dataclasses import replace

import pytest
from pydantic import BaseModel

from interlock.kit import operations
from interlock.kit.errors import InterlockError, Kind, forbidden
from interlock.kit.operations import Audit, Command, Effect, Operation, operation
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from tests.runtime.kernel.kernel import Kernel, Thing, ThingId, Things, add


class MakeThing(Command):
    """A thing's name."""

    name: str


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "REGISTRY", {})
    monkeypatch.setattr(operations, "_FACTS", {})
    operation("things.make", effect=Effect.WRITE, scope="things")(make)
    operation("things.record", effect=Effect.WRITE, audit=Audit.LEDGER)(record)
    operation("things.count")(count)
    operation("things.fetch", effect=Effect.EXTERNAL)(fetch)


async def make(ctx: Ctx, command: MakeThing) -> Thing:
    """Make a thing."""
    thing = await add(ctx, command.name)
    if command.name == "bad":
        raise InterlockError(Kind.CONFLICT, "No bad things.")
    return thing


async def record(ctx: Ctx, command: MakeThing) -> Thing:
    """Make a thing that is its own evidence."""
    return await add(ctx, command.name)


async def count(ctx: Ctx, command: MakeThing) -> int:
    """Tell whether a unit of work for reading is there."""
    assert not ctx.the_unit().write
    return 7 if await Things(ctx).find(ThingId.new()) is None else 0


async def fetch(ctx: Ctx, command: MakeThing) -> bool:
    """Tell whether there is no unit of work."""
    return ctx.unit is None


class Recorder:
    """Gates and an audit writer that note what they saw."""

    def __init__(self, kernel: Kernel) -> None:
        self.seen: list[str] = []
        self.refuses: str | None = None
        self.audit_fails = False
        gates = (self.gate("first"), self.gate("second"))
        kernel.runtime = replace(kernel.runtime, gates=gates, audit=self.audit)

    def gate(self, name: str) -> "Gate":
        return Gate(self, name)

    async def audit(self, ctx: Ctx, facts: Operation, command: BaseModel, result: object, /) -> None:
        await add(ctx, f"audit of {facts.name}")
        self.seen.append("audit")
        if self.audit_fails:
            raise InterlockError(Kind.UNAVAILABLE, "The log is full.")


class Gate:
    """One gate."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder = recorder
        self.name = name

    async def __call__(self, ctx: Ctx, facts: Operation, command: BaseModel, /) -> None:
        assert ctx.unit is None
        self.recorder.seen.append(f"{self.name}:{facts.name}")
        if self.recorder.refuses == self.name:
            raise forbidden("Not you.")


async def test_a_write_passes_the_gates_and_leaves_one_audit_row_with_its_own(kernel: Kernel) -> None:
    recorder = Recorder(kernel)
    thing = await invoke(kernel.ctx(), make, MakeThing(name="one"))
    assert thing.name == "one"
    assert recorder.seen == ["first:things.make", "second:things.make", "audit"]
    assert await kernel.names() == ["one", "audit of things.make"]


async def test_a_gate_that_refuses_ends_it(kernel: Kernel) -> None:
    recorder = Recorder(kernel)
    recorder.refuses = "first"
    with pytest.raises(InterlockError) as caught:
        await invoke(kernel.ctx(), make, MakeThing(name="one"))
    assert caught.value.kind is Kind.FORBIDDEN
    assert recorder.seen == ["first:things.make"]
    assert await kernel.names() == []


async def test_a_failed_operation_leaves_neither_rows_nor_audit(kernel: Kernel) -> None:
    recorder = Recorder(kernel)
    with pytest.raises(InterlockError, match="No bad things"):
        await invoke(kernel.ctx(), make, MakeThing(name="bad"))
    assert "audit" not in recorder.seen
    assert await kernel.names() == []


async def test_what_cannot_be_audited_does_not_happen(kernel: Kernel) -> None:
    recorder = Recorder(kernel)
    recorder.audit_fails = True
    with pytest.raises(InterlockError, match="The log is full"):
        await invoke(kernel.ctx(), make, MakeThing(name="one"))
    assert await kernel.names() == []


async def test_an_operation_that_writes_its_own_evidence_gets_no_second_row(kernel: Kernel) -> None:
    recorder = Recorder(kernel)
    await invoke(kernel.ctx(), record, MakeThing(name="one"))
    assert "audit" not in recorder.seen
    assert await kernel.names() == ["one"]


async def test_a_read_gets_a_reading_unit_and_no_audit(kernel: Kernel) -> None:
    recorder = Recorder(kernel)
    assert await invoke(kernel.ctx(), count, MakeThing(name="any")) == 7
    assert "audit" not in recorder.seen


async def test_an_external_operation_gets_gates_but_no_unit(kernel: Kernel) -> None:
    recorder = Recorder(kernel)
    assert await invoke(kernel.ctx(), fetch, MakeThing(name="any"))
    assert recorder.seen == ["first:things.fetch", "second:things.fetch"]


async def test_a_function_that_is_no_operation_cannot_be_invoked(kernel: Kernel) -> None:
    async def stray(ctx: Ctx, command: MakeThing) -> None:
        """Nobody declared this."""

    with pytest.raises(KeyError):
        await invoke(kernel.ctx(), stray, MakeThing(name="any"))
