import asyncio
from datetime import timedelta
from typing import Any

import pytest

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.checks.service import known_tools
from interlock.domains.tools import execution, jobs
from interlock.domains.tools import service as tools
from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult
from interlock.domains.tools.builtin import catalogue_of
from interlock.domains.tools.catalogue import tool_spec
from interlock.domains.tools.events import ToolCallSettled
from interlock.domains.tools.jobs import close_abandoned
from interlock.domains.tools.pipeline import Running
from interlock.domains.tools.states import ToolStatus
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId, RunId
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Actor, ActorKind, Ctx
from interlock.runtime.invoke import invoke
from interlock.sandbox.stripe_data import FIRST_CHARGE
from tests.domains.tools.world import REFUND, SLACK, ToolWorld

PROMPT = "test.prompt_refund"


class _PowerCutError(BaseException):
    """Stands for the end of the process between adapter and audit."""


def _cut_power(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> Any:
        raise _PowerCutError

    monkeypatch.setattr(execution, "_conclude", gone)


def _without_gate(world: ToolWorld) -> None:
    """The refund adapter behind a tool that needs no person, to show what the key alone does."""
    spec = catalogue_of(world.base.runtime).find(REFUND)
    assert spec is not None
    properties = {"properties": {"charge_id": {"type": "string"}, "amount_cents": {"type": "integer"}}}
    catalogue_of(world.base.runtime).add(
        tool_spec(PROMPT, "Refund", "Refunds.", properties, spec.adapter, connector=spec.connector, repeatable=True)
    )


async def test_a_key_answers_with_the_stored_outcome(either_world: ToolWorld) -> None:
    caller = await either_world.client()
    first = await either_world.slack(caller, "once", key="k1")
    again = await either_world.slack(caller, "once", key="k1")
    assert (again.call_id, again.result) == (first.call_id, first.result)
    assert len(either_world.effects("slack")) == 1
    assert len(await either_world.evidence()) == 1


async def test_a_key_is_taken_by_one_call(world: ToolWorld) -> None:
    caller = await world.client()
    await world.slack(caller, "one", key="k1")
    with pytest.raises(InterlockError) as caught:
        await world.slack(caller, "two", key="k1")
    assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "idempotency_key_reused")
    assert len(world.effects("slack")) == 1


async def test_a_key_is_the_callers_own(world: ToolWorld) -> None:
    first = await world.slack(await world.client(), "one", key="k1")
    second = await world.slack(await world.client(), "one", key="k1")
    assert second.call_id != first.call_id
    assert len(world.effects("slack")) == 2


@pytest.mark.parametrize("suffix", ["0:0", "0:" + "1" * 160])
async def test_nobody_can_occupy_the_key_of_a_run(either_world: ToolWorld, suffix: str) -> None:
    world, run_id = either_world, RunId.new()
    key = f"{run_id}:{suffix}"
    stranger = await world.client()
    taken = await world.slack(stranger, "mine", key=key)
    assert (await world.slack(stranger, "mine", key=key)).call_id == taken.call_id
    agent = Actor(ActorKind.AGENT, AgentId.new(), "helper", None)
    command = tools.CallTool(
        tool=SLACK,
        arguments={"channel": "#support", "text": "the run's"},
        idempotency_key=key,
        run_id=run_id,
        allowed_tools=(SLACK,),
    )
    for _ in range(2):
        outcome = await invoke((await world.base.fresh()).acting_as(agent, frozenset()), tools.call, command)
        assert outcome.status is ToolStatus.DONE
    assert [sent["text"] for sent in world.effects("slack")] == ["mine", "the run's"]
    stored = {call.idempotency_key for call in (await world.base.call(tools.list_calls, tools.ListCalls())).items}
    assert key in stored
    assert all(len(str(each)) <= 200 for each in stored)


async def test_simultaneous_first_uses_of_a_key_execute_once(either_world: ToolWorld) -> None:
    caller = await either_world.client()
    outcomes = await asyncio.gather(*(either_world.slack(caller, "burst", key="k1") for _ in range(8)))
    assert len({outcome.call_id for outcome in outcomes}) == 1
    assert {outcome.status for outcome in outcomes} == {ToolStatus.DONE}
    assert len(either_world.effects("slack")) == 1


async def test_the_key_reaches_the_provider(world: ToolWorld) -> None:
    _without_gate(world)
    caller = await world.client()
    await world.call(caller, PROMPT, key="run:7", charge_id=FIRST_CHARGE, amount_cents=100)
    assert world.sandbox.state.effects[0].idempotency_key == f"mcp_client:{caller.actor.id}:run:7"


async def test_after_a_crash_the_same_key_is_sent_again_and_the_refund_stays_one(
    world: ToolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_gate(world)
    caller, given = await world.client(), {"charge_id": FIRST_CHARGE, "amount_cents": 100}
    with monkeypatch.context() as patch:
        _cut_power(patch)
        with pytest.raises(_PowerCutError):
            await world.call(caller, PROMPT, key="run:7", **given)
    assert len(world.effects("stripe")) == 1
    assert await world.evidence() == []
    retried = await world.call(caller, PROMPT, key="run:7", **given)
    assert retried.status is ToolStatus.DONE
    assert len(world.effects("stripe")) == 1
    assert len(await world.evidence()) == 1


async def test_after_a_crash_a_message_is_not_sent_twice_and_nobody_claims_to_know(
    world: ToolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await world.client()
    with monkeypatch.context() as patch:
        _cut_power(patch)
        with pytest.raises(_PowerCutError):
            await world.slack(caller, "hi", key="run:8")
    retried = await world.slack(caller, "hi", key="run:8")
    assert retried.status is ToolStatus.FAILED
    assert "not known" in str(retried.reason)
    assert len(world.effects("slack")) == 1
    assert (await world.evidence())[-1].outcome == "error"


async def test_an_approved_call_interrupted_by_a_crash_is_finished_by_the_next_delivery(
    world: ToolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await world.call(await world.client(), REFUND, charge_id=FIRST_CHARGE, amount_cents=100)
    command = approvals.Approve.model_validate({"approval_id": held.escalation_id})
    await world.base.call(approvals.approve, command)
    with monkeypatch.context() as patch:
        _cut_power(patch)
        with pytest.raises(_PowerCutError):
            await world.deliver()
    world.forget_deliveries()
    await world.deliver()
    assert len(world.effects("stripe")) == 1
    outcome = await world.base.call(tools.get_outcome, tools.CallRef(call_id=held.call_id))
    assert outcome.status is ToolStatus.DONE


async def test_abandoned_calls_are_put_on_record_after_a_crash(
    world: ToolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _cut_power(patch)
        with pytest.raises(_PowerCutError):
            await world.slack(await world.client())
    root = Ctx(world.base.runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="start", face="jobs")
    assert await close_abandoned(root) == 0
    world.base.clock.advance(timedelta(minutes=3))
    assert await close_abandoned(root) == 1
    assert await close_abandoned(root) == 0
    entry = (await world.evidence())[-1]
    assert (entry.decision, entry.outcome, entry.error) == ("authorized", "error", execution.INTERRUPTED)
    assert (entry.tool, entry.caller_label, entry.reviewer) == (SLACK, "claude", None)
    (call,) = (await world.base.call(tools.list_calls, tools.ListCalls())).items
    assert call.state.value == "failed"


async def test_an_approved_call_nobody_finishes_wakes_who_waits_and_forgets_its_arguments(
    world: ToolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await world.call(await world.client(), REFUND, charge_id=FIRST_CHARGE)
    command = approvals.Approve.model_validate({"approval_id": held.escalation_id})
    approval = await world.base.call(approvals.approve, command)
    with monkeypatch.context() as patch:
        _cut_power(patch)
        with pytest.raises(_PowerCutError):
            await world.deliver()
    root = Ctx(world.base.runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="start", face="jobs")
    world.base.clock.advance(timedelta(hours=2))
    assert await close_abandoned(root) == 1
    (news,) = world.base.heard(ToolCallSettled)
    assert (news.call_id, news.status) == (held.call_id, ToolStatus.FAILED)
    async with world.base.ctx.begin(write=False) as reading:
        assert await approvals.payload(reading, approval.id) is None
    shown = await world.base.call(approvals.get, approvals.ApprovalRef(approval_id=approval.id))
    assert shown.result["reason"] == execution.INTERRUPTED


@pytest.mark.parametrize("held", [False, True])
async def test_an_outcome_that_comes_after_its_call_was_closed_is_on_record_as_late(
    either_world: ToolWorld, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    world = either_world
    root = Ctx(world.base.runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="start", face="jobs")
    monkeypatch.setattr(jobs, "running_of", lambda _: Running())  # as another server, which executes nothing

    async def closed_meanwhile(call: AdapterCall) -> AdapterResult:
        world.base.clock.advance(timedelta(hours=2))
        assert await close_abandoned(root) == 1
        return AdapterResult({"ok": True}, "ref_1")

    slow = tool_spec("test.slow", "Slow", "Waits.", {"properties": {}}, closed_meanwhile, requires_approval=held)
    catalogue_of(world.base.runtime).add(slow)
    outcome = await world.call(await world.client(), "test.slow")
    if held:
        command = approvals.Approve.model_validate({"approval_id": outcome.escalation_id})
        await world.base.call(approvals.approve, command)
        await world.deliver()
    closed, late = (await world.evidence())[-2:]
    assert (closed.outcome, closed.error, closed.extra) == ("error", execution.INTERRUPTED, None)
    assert (late.outcome, late.provider_ref, late.extra) == ("success", "ref_1", {"late": True})
    assert "after the call had been closed" in str(late.reason)
    (call,) = (await world.base.call(tools.list_calls, tools.ListCalls())).items
    assert (call.state.value, call.reason) == ("failed", execution.INTERRUPTED)
    assert [news.status for news in world.base.heard(ToolCallSettled)] == [ToolStatus.FAILED] * held


def test_checks_know_a_tool_by_all_its_names(world: ToolWorld) -> None:
    tools.tell_checks(world.base.runtime)
    known = known_tools(world.base.runtime)
    for name in (REFUND, "stripe_refund", " Payments.Create_Refund "):
        assert known.facts(name, world.base.ctx.workspace_id).requires_approval
    assert not known.facts("crm.create_contact", world.base.ctx.workspace_id).requires_approval


async def test_a_repeat_waits_for_the_call_that_is_still_running(world: ToolWorld) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(call: AdapterCall) -> AdapterResult:
        arrived.set()
        await go_on.wait()
        return AdapterResult({"ok": True})

    catalogue_of(world.base.runtime).add(tool_spec("test.slow", "Slow", "Waits.", {"properties": {}}, slow))
    caller = await world.client()
    first = asyncio.create_task(world.call(caller, "test.slow", key="k"))
    await arrived.wait()
    second = asyncio.create_task(world.call(caller, "test.slow", key="k"))
    go_on.set()
    assert (await first).call_id == (await second).call_id
    assert len(await world.evidence()) == 1
