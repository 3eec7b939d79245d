import asyncio
from datetime import timedelta
from typing import Any

import pytest

from interlock.domains.accounts.service import clients
from interlock.domains.accounts.views import McpClientId
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.jobs import ExpireApproval, expire_one
from interlock.domains.governance.approvals.views import Approval, ApprovalId
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Match, PolicyType
from interlock.domains.tools import service as tools
from interlock.domains.tools.events import ToolCallSettled
from interlock.domains.tools.states import ToolStatus
from interlock.domains.tools.views import ToolOutcome
from interlock.kit.ids import RunId
from interlock.kit.money import ZERO
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from interlock.sandbox import Fault, FaultKind, ProviderName
from interlock.sandbox.stripe_data import FIRST_CHARGE
from tests.domains.tools.world import REFUND, ToolWorld


async def _refund(world: ToolWorld, caller: Ctx, **more: Any) -> ToolOutcome:
    charge = FIRST_CHARGE
    return await world.call(caller, REFUND, charge_id=charge, **more)


async def _approve(world: ToolWorld, outcome: ToolOutcome, edited: object = None) -> Approval:
    assert outcome.escalation_id is not None
    command = approvals.Approve.model_validate(
        {"approval_id": outcome.escalation_id, "comment": "fine", "edited_output": edited}
    )
    return await world.base.call(approvals.approve, command)


async def _reject(world: ToolWorld, outcome: ToolOutcome) -> None:
    command = approvals.Reject.model_validate({"approval_id": outcome.escalation_id, "comment": "wrong amount"})
    await world.base.call(approvals.reject, command)


async def _approval(world: ToolWorld, outcome: ToolOutcome) -> Approval:
    ref = approvals.ApprovalRef(approval_id=ApprovalId.parse(str(outcome.escalation_id)))
    return await world.base.call(approvals.get, ref)


async def test_a_refund_is_always_held_and_runs_once_after_approval(either_world: ToolWorld) -> None:
    caller = await either_world.client()
    held = await _refund(either_world, caller, amount_cents=500)
    assert held.status is ToolStatus.ACTION_REQUIRED
    assert str(held.escalation_id).startswith("esc_")
    assert either_world.effects("stripe") == []
    await _approve(either_world, held)
    await either_world.deliver(twice=True)
    (refund,) = either_world.effects("stripe")
    assert refund["amount"] == 500
    shown = await _approval(either_world, held)
    assert shown.result["refund_id"] == refund["id"]
    (news,) = either_world.base.heard(ToolCallSettled)
    assert (news.call_id, news.status) == (held.call_id, ToolStatus.DONE)
    assert [entry.decision for entry in await either_world.evidence()] == ["escalated", "authorized"]


async def test_a_repeat_while_pending_is_the_same_escalation(world: ToolWorld) -> None:
    caller = await world.client()
    first, second = await _refund(world, caller), await _refund(world, caller)
    assert (second.status, second.escalation_id) == (ToolStatus.ACTION_REQUIRED, first.escalation_id)
    assert second.call_id == first.call_id
    other = await world.client()
    assert (await _refund(world, other)).escalation_id != first.escalation_id


async def test_a_repeat_after_approval_gets_the_stored_result_once(world: ToolWorld) -> None:
    caller = await world.client()
    held = await _refund(world, caller, amount_cents=100)
    await _approve(world, held)
    await world.deliver()
    repeat = await _refund(world, caller, amount_cents=100)
    assert repeat.status is ToolStatus.DONE
    assert repeat.result["refund_id"] == world.effects("stripe")[0]["id"]
    fresh = await _refund(world, caller, amount_cents=100)
    assert fresh.status is ToolStatus.ACTION_REQUIRED
    assert fresh.escalation_id != held.escalation_id
    assert len(world.effects("stripe")) == 1


async def test_between_approval_and_execution_a_repeat_still_waits(world: ToolWorld) -> None:
    caller = await world.client()
    held = await _refund(world, caller)
    await _approve(world, held)
    assert (await _refund(world, caller)).escalation_id == held.escalation_id
    assert world.effects("stripe") == []


async def test_a_repeat_after_rejection_is_denied_once(either_world: ToolWorld) -> None:
    caller = await either_world.client()
    held = await _refund(either_world, caller)
    await _reject(either_world, held)
    await either_world.deliver(twice=True)
    repeat = await _refund(either_world, caller)
    assert repeat.status is ToolStatus.DENIED
    assert "wrong amount" in str(repeat.reason)
    asked, refused = await either_world.evidence()
    assert (refused.decision, refused.reason, refused.outcome) == ("denied", repeat.reason, None)
    assert refused.reviewer is not None
    same = ("caller_kind", "caller_id", "caller_label", "tool", "args_hash", "approval_id")
    assert [getattr(refused, name) for name in same] == [getattr(asked, name) for name in same]
    assert (await _refund(either_world, caller)).status is ToolStatus.ACTION_REQUIRED
    assert either_world.effects("stripe") == []
    assert [news.status for news in either_world.base.heard(ToolCallSettled)] == [ToolStatus.DENIED]


async def test_an_expired_gate_denies(world: ToolWorld) -> None:
    caller = await world.client()
    held = await _refund(world, caller)
    world.base.clock.advance(timedelta(hours=25))
    key = ApprovalId.parse(str(held.escalation_id))
    await expire_one(await world.base.fresh(), ExpireApproval(approval_id=key))
    await world.deliver()
    repeat = await _refund(world, caller)
    assert repeat.status is ToolStatus.DENIED
    assert "in time" in str(repeat.reason)


async def test_edited_arguments_replace_the_asked_ones_and_both_hashes_are_kept(world: ToolWorld) -> None:
    held = await _refund(world, await world.client(), amount_cents=900)
    await _approve(world, held, {"charge_id": FIRST_CHARGE, "amount_cents": 300})
    await world.deliver()
    assert world.effects("stripe")[0]["amount"] == 300
    entry = (await world.evidence())[-1]
    assert entry.edited_hash is not None
    assert entry.edited_hash != entry.args_hash == (await world.evidence())[0].args_hash
    assert entry.reviewer is not None
    call = await world.base.call(tools.get_call, tools.CallRef(call_id=held.call_id))
    assert call.edited_hash == entry.edited_hash


async def test_a_block_policy_made_meanwhile_still_refuses_the_approved_call(world: ToolWorld) -> None:
    held = await _refund(world, await world.client())
    block = policies.CreatePolicy(
        name="freeze", type=PolicyType.APPROVAL, mode=PolicyMode.BLOCK, match=Match(tools=("payments",))
    )
    await world.base.call(policies.create, block)
    await _approve(world, held)
    await world.deliver()
    assert world.effects("stripe") == []
    outcome = await world.base.call(tools.get_outcome, tools.CallRef(call_id=held.call_id))
    assert outcome.status is ToolStatus.DENIED
    assert outcome.policy_id is not None
    assert (await _approval(world, held)).result["status"] == "denied"


async def test_a_budget_used_up_meanwhile_still_refuses_the_approved_call(world: ToolWorld) -> None:
    held = await _refund(world, await world.client())
    await world.base.call(budgets.update, budgets.UpdateBudget(monthly_cap=ZERO))
    await _approve(world, held)
    await world.deliver()
    outcome = await world.base.call(tools.get_outcome, tools.CallRef(call_id=held.call_id))
    assert (outcome.status, outcome.reason) == (ToolStatus.DENIED, "budget_exhausted")
    assert world.effects("stripe") == []


async def test_a_client_cut_off_meanwhile_loses_its_approved_call(world: ToolWorld) -> None:
    caller = await world.client()
    held = await _refund(world, caller)
    assert caller.actor.id is not None
    ref = clients.ClientRef(client_id=McpClientId.of(caller.actor.id))
    await world.base.call(clients.revoke_client, ref)
    await _approve(world, held)
    await world.deliver()
    outcome = await world.base.call(tools.get_outcome, tools.CallRef(call_id=held.call_id))
    assert outcome.status is ToolStatus.DENIED
    assert world.effects("stripe") == []


async def test_the_raw_arguments_of_a_held_call_die_with_it(world: ToolWorld) -> None:
    mask = policies.CreatePolicy(name="mask", type=PolicyType.DATA_PRIVACY, mode=PolicyMode.BLOCK)
    await world.base.call(policies.create, mask)
    caller = await world.client()
    held = await _refund(world, caller, reason="card 4242 4242 4242 4242")
    shown = await _approval(world, held)
    assert "4242 4242" not in str(shown.arguments)
    async with (await world.base.fresh()).begin(write=False) as reading:
        assert "4242 4242" in str(await approvals.payload(reading, shown.id))
    await _approve(world, held)
    await world.deliver()
    assert "4242 4242" not in str(world.effects("stripe")[0])
    async with (await world.base.fresh()).begin(write=False) as reading:
        assert await approvals.payload(reading, shown.id) is None


async def test_an_approved_call_of_a_run_that_is_cancelled_before_it_begins_never_happens(
    either_world: ToolWorld,
) -> None:
    world, run_id = either_world, RunId.new()
    asked = {"tool": REFUND, "arguments": {"charge_id": FIRST_CHARGE}, "run_id": run_id, "estimated_cost": "0.5"}
    held = await invoke(await world.client(), tools.call, tools.CallTool.model_validate(asked))
    other = await _refund(world, await world.client())
    approval = await _approve(world, held)
    async with (await world.base.fresh()).begin() as unit:
        assert await tools.abandon_run(unit, run_id, "The run was cancelled.") == 1
    async with (await world.base.fresh()).begin() as unit:
        assert await tools.abandon_run(unit, run_id, "The run was cancelled.") == 0
    await world.deliver(twice=True)
    assert world.effects("stripe") == []
    outcome = await world.base.call(tools.get_outcome, tools.CallRef(call_id=held.call_id))
    assert (outcome.status, outcome.reason) == (ToolStatus.DENIED, "The run was cancelled.")
    entry = (await world.evidence())[-1]
    assert (entry.decision, entry.reason, entry.approval_id) == ("denied", "The run was cancelled.", str(approval.id))
    assert (await _approval(world, held)).result["status"] == "denied"
    async with (await world.base.fresh()).begin(write=False) as reading:
        assert await approvals.payload(reading, approval.id) is None
    assert [news.call_id for news in world.base.heard(ToolCallSettled)] == [held.call_id]
    assert (await _refund(world, await world.client())).status is other.status is ToolStatus.ACTION_REQUIRED


async def test_a_failed_execution_is_shown_to_whoever_polls(world: ToolWorld) -> None:
    held = await world.call(await world.client(), REFUND, charge_id="ch_unknown")
    await _approve(world, held)
    await world.deliver()
    result = (await _approval(world, held)).result
    assert result["status"] == "failed"
    assert "No such charge" in result["reason"]


async def test_an_approved_call_survives_a_provider_that_cuts_the_line_after_refunding(world: ToolWorld) -> None:
    held = await _refund(world, await world.client(), amount_cents=100)
    cut = Fault(provider=ProviderName.STRIPE, kind=FaultKind.CUT, after_effect=True)
    world.sandbox.state.faults.add(cut)
    await _approve(world, held)
    await world.deliver()
    assert len(world.effects("stripe")) == 1
    outcome = await world.base.call(tools.get_outcome, tools.CallRef(call_id=held.call_id))
    assert outcome.status is ToolStatus.DONE


async def test_simultaneous_identical_calls_open_one_gate(either_world: ToolWorld) -> None:
    caller = await either_world.client()
    outcomes = await asyncio.gather(*(_refund(either_world, caller) for _ in range(5)))
    assert len({outcome.escalation_id for outcome in outcomes}) == 1
    page = await either_world.base.call(approvals.list_, approvals.ListApprovals())
    assert len(page.items) == 1


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_keyed_held_call_answers_its_key_with_the_outcome(world: ToolWorld, decision: str) -> None:
    caller = await world.client()
    held = await _refund(world, caller, key="run-1:3")
    await (_approve(world, held) if decision == "approve" else _reject(world, held))
    await world.deliver()
    expected = ToolStatus.DONE if decision == "approve" else ToolStatus.DENIED
    for _ in range(2):
        assert (await _refund(world, caller, key="run-1:3")).status is expected


async def test_an_edit_leaves_what_was_masked_as_it_was_asked(either_world: ToolWorld) -> None:
    """A policy that only watches masks what reviewers see; the adapter gets the argument all the same."""
    command = policies.CreatePolicy(
        name="watch", type=PolicyType.DATA_PRIVACY, mode=PolicyMode.LOG, config={"detect": [], "fields": ["charge_id"]}
    )
    await either_world.base.call(policies.create, command)
    caller = await either_world.client()
    held = await _refund(either_world, caller, amount_cents=500)
    shown = (await _approval(either_world, held)).arguments
    assert shown["charge_id"] == "[masked:field]"
    await _approve(either_world, held, {**shown, "amount_cents": 200})
    await either_world.deliver()
    (refund,) = either_world.effects("stripe")
    assert (refund["charge"], refund["amount"]) == (FIRST_CHARGE, 200)
