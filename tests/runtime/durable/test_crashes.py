"""After a crash a flow goes on where its journal ends: transact steps exactly once, outside steps again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from interlock.kit.clock import FixedClock
from interlock.kit.errors import InterlockError, conflict
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Flow, FlowCancelled, Json
from interlock.runtime.durable.engine import JournalEngine
from interlock.runtime.durable.journal import FlowState, step_rows
from tests.runtime.durable.world import Backend, Registrar, mark, reaches, server


class Gate:
    """Lets a test hold a step and see that it got there."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def hold(self) -> None:
        self.reached.set()
        await self.go_on.wait()


async def crash_when(backend: Backend, register: Registrar, gate: Gate, argument: Json = None) -> None:
    """Run flow `f` until it holds at the gate, and die there; what comes later is let through."""
    async with server(backend, register) as world:
        await world.start("run", "f", argument)
        await gate.reached.wait()
        await world.crash()
        assert (await world.row("f")).state is FlowState.RUNNING
    gate.go_on.set()


async def test_a_transact_step_that_was_in_flight_is_undone_and_runs_once(backend: Backend) -> None:
    gate = Gate()
    calls: list[str] = []

    async def run(flow: Flow, argument: Json) -> Json:
        first = await flow.transact("one", mark(flow.id, "one", {"n": 1}))

        async def two(ctx: Ctx) -> Json:
            calls.append("two")
            await mark(flow.id, "two")(ctx)
            await gate.hold()
            return {"n": 2}

        second = await flow.transact("two", two)
        await flow.transact("three", mark(flow.id, "three"))
        return [first, second, argument]

    await crash_when(backend, lambda engine: engine.register("run", run), gate, "x")
    async with server(backend, lambda engine: engine.register("run", run)) as world:
        assert await world.ended("f") is FlowState.DONE
        assert await world.texts("f") == ["one", "two", "three"]
        assert (await world.row("f")).result == '[{"n":1},{"n":2},"x"]'
    assert calls == ["two", "two"]


async def test_an_outside_step_in_flight_is_tried_again_and_the_log_says_so(backend: Backend) -> None:
    gate = Gate()
    sent: list[str] = []

    async def run(flow: Flow, _argument: Json) -> Json:
        async def send(_ctx: Ctx) -> Json:
            sent.append(f"{flow.id}:send")
            await gate.hold()
            return "sent"

        await flow.step("early", _done)
        await flow.step("send", send)
        await flow.step("late", _done)
        return None

    await crash_when(backend, lambda engine: engine.register("run", run), gate)
    with structlog.testing.capture_logs() as logs:
        async with server(backend, lambda engine: engine.register("run", run)) as world:
            assert await world.ended("f") is FlowState.DONE
    assert sent == ["f:send", "f:send"]
    repeats = [entry for entry in logs if entry["event"].startswith("durable step runs after a restart")]
    assert [(entry["flow"], entry["key"]) for entry in repeats] == [("f", "send")]


async def _done(_ctx: Ctx) -> Json:
    return "done"


async def test_replayed_values_are_fresh_copies_in_the_order_they_were_made(backend: Backend) -> None:
    gate = Gate()
    seen: list[Json] = []

    async def run(flow: Flow, _argument: Json) -> Json:
        value = await flow.transact("make", mark(flow.id, "make", {"z": 1, "a": {"k": (1, 2.0)}, "b": "\x00\ud800"}))
        seen.append((list(value), list(value["a"]["k"]), value["b"]))
        value["a"]["k"].append("changed by the flow")
        await flow.step("hold", lambda _ctx: gate.hold())
        return None

    await crash_when(backend, lambda engine: engine.register("run", run), gate)
    async with server(backend, lambda engine: engine.register("run", run)) as world:
        await world.ended("f")
    assert seen == [(["z", "a", "b"], [1, 2.0], "\x00\ud800")] * 2


async def test_a_caught_error_is_raised_again_on_replay(backend: Backend) -> None:
    gate = Gate()
    calls: list[str] = []

    async def refuse(_ctx: Ctx) -> Json:
        calls.append("refuse")
        raise conflict("Taken.", by="someone", hint="Choose another.")

    async def run(flow: Flow, _argument: Json) -> Json:
        caught: list[Json] = []
        for how in (flow.transact, flow.step):
            try:
                await how(f"refuse-{len(caught)}", refuse)
            except InterlockError as error:
                caught.append([error.kind.value, error.message, error.data, error.hint])
        await flow.step("hold", lambda _ctx: gate.hold())
        return caught

    await crash_when(backend, lambda engine: engine.register("run", run), gate)
    async with server(backend, lambda engine: engine.register("run", run)) as world:
        await world.ended("f")
        one = '["conflict","Taken.",{"by":"someone"},"Choose another."]'
        assert (await world.row("f")).result == f"[{one},{one}]"
    assert calls == ["refuse", "refuse"]


async def test_a_signal_sent_while_the_server_was_down_is_taken(backend: Backend) -> None:
    async def run(flow: Flow, _argument: Json) -> Json:
        got = [await flow.wait("go"), await flow.wait("go")]
        await flow.transact("got", mark(flow.id, "got"))
        return got

    def register(engine: JournalEngine) -> None:
        engine.register("run", run)

    async with server(backend, register) as world:
        await world.start("run", "f")
        await world.signal("f", "go", 1)
        await reaches(lambda: world.count(step_rows, flow_id="f"), 1)
        await world.waits("f")
        await world.crash()
        await world.signal("f", "go", 2)
    async with server(backend, register) as world:
        assert await world.ended("f") is FlowState.DONE
        assert (await world.row("f")).result == "[1,2]"
        assert await world.texts("f") == ["got"]


@pytest.mark.parametrize(("how", "result"), [("wait", "null"), ("sleep", '"woke"')])
async def test_deadlines_and_sleeps_keep_their_first_moment_over_a_restart(
    backend: Backend, how: str, result: str
) -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))

    async def run(flow: Flow, argument: Json) -> Json:
        hour = flow.ctx.now + timedelta(hours=1)
        if argument == "wait":
            return await flow.wait("go", until=hour)
        await flow.sleep_until("nap", hour)
        return "woke"

    def register(engine: JournalEngine) -> None:
        engine.register("run", run)

    async with server(backend, register, clock=clock) as world:
        await world.start("run", "f", how)
        await world.waits("f")
        await world.crash()
    clock.advance(timedelta(minutes=50))
    async with server(backend, register, clock=clock) as world:
        await world.waits("f")
        clock.advance(timedelta(minutes=9))
        world.engine.nudge()
        await world.waits("f")
        clock.advance(timedelta(minutes=1))
        world.engine.nudge()
        assert await world.ended("f") is FlowState.DONE
        assert (await world.row("f")).result == result


async def test_cancelled_while_the_server_was_down(backend: Backend) -> None:
    gate = Gate()

    async def run(flow: Flow, _argument: Json) -> Json:
        await flow.transact("one", mark(flow.id, "one"))
        try:
            await flow.step("hold", lambda _ctx: gate.hold())
        except FlowCancelled:
            await flow.transact("tidied", mark(flow.id, "tidied"))
            raise

    def register(engine: JournalEngine) -> None:
        engine.register("run", run)

    async with server(backend, register) as world:
        await world.start("run", "f")
        await gate.reached.wait()
        await world.crash()
        await world.cancel("f")
    async with server(backend, register) as world:
        assert await world.ended("f") is FlowState.CANCELLED
        assert await world.texts("f") == ["one", "tidied"]


async def test_a_replay_that_takes_another_path_fails_loudly(backend: Backend) -> None:
    gate = Gate()
    passes = 0

    async def run(flow: Flow, _argument: Json) -> Json:
        nonlocal passes
        passes += 1
        await (flow.transact if passes == 1 else flow.step)("one", mark(flow.id, "one"))
        await flow.step("hold", lambda _ctx: gate.hold())

    await crash_when(backend, lambda engine: engine.register("run", run), gate)
    async with server(backend, lambda engine: engine.register("run", run)) as world:
        assert await world.ended("f") is FlowState.FAILED
        assert "asks for 'one' as a step, but it was recorded as a transact" in (await world.row("f")).error


async def test_shut_down_lets_the_running_step_end_and_stops_before_the_next(backend: Backend) -> None:
    gate = Gate()
    later: list[str] = []

    async def run(flow: Flow, _argument: Json) -> Json:
        async def slow(_ctx: Ctx) -> Json:
            await gate.hold()
            return "slow"

        await flow.step("slow", slow)
        later.append(flow.id)
        await flow.transact("after", mark(flow.id, "after"))

    async with server(backend, lambda engine: engine.register("run", run)) as world:
        await world.start("run", "f")
        await gate.reached.wait()
        stopping = asyncio.create_task(world.engine.shut_down())
        await reaches(lambda: asyncio.sleep(0, world.engine._is_stopping), True)
        gate.go_on.set()
        await stopping
        assert await world.texts("f") == []
        assert await world.count(step_rows, flow_id="f", key="slow") == 1
    gate.go_on.clear()
    async with server(backend, lambda engine: engine.register("run", run)) as world:
        assert await world.ended("f") is FlowState.DONE
        assert await world.texts("f") == ["after"]
    assert later == ["f", "f"]


async def test_shut_down_is_quick_when_many_flows_wait(backend: Backend) -> None:
    async def run(flow: Flow, _argument: Json) -> Json:
        await flow.transact("one", mark(flow.id, "one"))
        await flow.wait("go")

    def register(engine: JournalEngine) -> None:
        engine.register("run", run)

    with structlog.testing.capture_logs() as logs:
        async with server(backend, register, active=2) as world:
            async with world.ctx().begin() as inner:
                for number in range(100):
                    await world.engine.start(inner, "run", f"f{number}", None)
            await reaches(lambda: world.count(step_rows), 100)
    assert "broken off" not in str(logs)
    async with server(backend, register) as world:
        for number in range(100):
            await world.signal(f"f{number}", "go", None)
        await world.all_ended(100)


async def test_shut_down_breaks_off_a_step_that_does_not_end(backend: Backend) -> None:
    gate = Gate()

    async def run(flow: Flow, _argument: Json) -> Json:
        await flow.step("hold", lambda _ctx: gate.hold())

    async with server(backend, lambda engine: engine.register("run", run), grace_seconds=0.05) as world:
        await world.start("run", "f")
        await gate.reached.wait()
    gate.go_on.set()
    async with server(backend, lambda engine: engine.register("run", run)) as world:
        assert await world.ended("f") is FlowState.DONE


async def test_database_trouble_suspends_a_flow_and_it_goes_on_afterwards(backend: Backend) -> None:
    troubles = 0

    async def run(flow: Flow, _argument: Json) -> Json:
        async def unlucky(ctx: Ctx) -> Json:
            nonlocal troubles
            await mark(flow.id, "unlucky")(ctx)
            if troubles < 2:
                troubles += 1
                raise InterlockError(conflict("x").kind, "The disk is full.", code="disk_full")
            return None

        await flow.transact("one", mark(flow.id, "one"))
        try:
            await flow.transact("unlucky", unlucky)
        except InterlockError:
            await flow.transact("wrong", mark(flow.id, "wrong"))

    async with server(backend, lambda engine: engine.register("run", run)) as world:
        await world.start("run", "f")
        assert await world.ended("f") is FlowState.DONE
        assert await world.texts("f") == ["one", "unlucky"]
