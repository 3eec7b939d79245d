"""What reviewers work with: identical requests together, one answer for many, edits that keep what was masked."""

from datetime import timedelta
from typing import Any

import pytest

from interlock.domains.governance.approvals import reviewing
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.editing import masked_paths, restored
from interlock.domains.governance.approvals.reviewing import Answer, ApprovalReview, DecidedMany, DecideMany, Inbox
from interlock.domains.governance.approvals.service import ApprovalRef, Approve, OpenGate
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalId, ApprovalKind
from interlock.domains.governance.ledger.views import EntryEvent
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Caller, RiskLevel
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.service import NoteSystem
from interlock.domains.governance.registry.states import SystemKind
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId
from interlock.kit.operations import Nothing
from interlock.runtime.context import Actor, ActorKind
from tests.domains.governance.asking import check, entries, gate_of, rule
from tests.domains.governance.backstage import within
from tests.domains.governance.world import World

RAW: dict[str, Any] = {"to": "ann@example.com", "body": "Your refund is on its way.", "amount": 5}
SHOWN: dict[str, Any] = {**RAW, "to": "[masked:email]"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"to": {"type": "string", "format": "email"}, "amount": {"type": "integer"}, "body": {}},
    "additionalProperties": False,
}


async def hold(world: World, **rest: Any) -> Approval:
    values: dict[str, Any] = {
        "kind": ApprovalKind.TOOL_CALL,
        "tool": "comms.send_email",
        "reason": "A person must agree.",
        "subject": "call_1",
        "arguments_masked": SHOWN,
        "payload": RAW,
        "schema": SCHEMA,
        **rest,
    }
    return await within(world.ctx, lambda unit: approvals.open_gate(unit, OpenGate(**values)))


async def inbox(world: World) -> Inbox:
    return await world.call(reviewing.inbox, Nothing())


async def review(world: World, key: ApprovalId) -> ApprovalReview:
    return await world.call(reviewing.review, ApprovalRef(approval_id=key))


async def decide(world: World, *keys: ApprovalId, answer: str = "approve", **rest: Any) -> DecidedMany:
    return await world.call(reviewing.decide_many, DecideMany(approval_ids=keys, answer=Answer(answer), **rest))


async def test_an_empty_inbox(either_world: World) -> None:
    shown = await inbox(either_world)
    assert (shown.groups, shown.waiting, shown.more) == ((), 0, False)


async def test_identical_requests_stand_together_and_others_apart(either_world: World) -> None:
    world = either_world
    first = await hold(world, caller=Caller(ActorKind.AGENT, AgentId.new(), "desk"))
    world.clock.advance(timedelta(minutes=5))
    second = await hold(world, subject="call_2", caller=Caller(ActorKind.AGENT, AgentId.new(), "night desk"))
    other = await hold(world, payload={**RAW, "amount": 6}, arguments_masked={**SHOWN, "amount": 6})
    hidden = await hold(world, payload={**RAW, "to": "bob@example.com"})
    shown = await inbox(world)
    assert [group.ids for group in shown.groups] == [(first.id, second.id), (other.id,), (hidden.id,)]
    assert shown.waiting == 4
    assert shown.groups[0].callers == ("desk", "night desk")
    assert shown.groups[0].waiting_since == first.created_at
    assert shown.groups[0].masked_fields == ("to",)
    assert (await review(world, second.id)).alike == (first.id,)
    assert (await review(world, other.id)).alike == ()


async def test_workflow_gates_are_identical_only_where_what_is_reviewed_is(world: World) -> None:
    gate = {"kind": ApprovalKind.WORKFLOW_GATE, "tool": "workflow.gate", "payload": None, "schema": None}
    for review_of in ("a", "b", "a"):
        await hold(world, arguments_masked={"review": review_of}, **gate)
    assert [len(group.ids) for group in (await inbox(world)).groups] == [2, 1]


async def test_a_review_tells_the_policy_and_the_risk_of_the_caller(either_world: World) -> None:
    world = either_world
    config = {"reason": "Money leaves the house."}
    policy = await rule(world, config=config, match={"tools": ["pay.out"]})
    await within(world.ctx, lambda unit: registry.note(unit, NoteSystem(SystemKind.AGENT, "bot", "bot")))
    verdict = await check(world, "pay.out", args={"card": "4111111111111111"}, agent_id="bot")
    shown = await review(world, await gate_of(verdict))
    assert shown.policy is not None
    assert (shown.policy.name, shown.policy.mode, shown.policy.reason) == (
        policy.name,
        PolicyMode.PAUSE,
        "Money leaves the house.",
    )
    assert shown.caller_risk is not None
    assert shown.caller_risk.level is RiskLevel.LOW
    assert shown.tool_risk is RiskLevel.LOW
    assert shown.always_held is False


async def test_one_answer_decides_each_by_itself_with_its_own_evidence(either_world: World) -> None:
    world = either_world
    keys = [(await hold(world, subject=f"call_{number}")).id for number in range(3)]
    await world.call(approvals.approve, Approve(approval_id=keys[1]))
    told = await decide(world, *keys, answer="reject", comment="no", reason="spam")
    assert told.done == 2
    assert [item.status for item in told.decided] == ["rejected", "approved", "rejected"]
    assert [bool(item.error) for item in told.decided] == [False, True, False]
    assert "already approved" in str(told.decided[1].error)
    assert len(await entries(world, EntryEvent.APPROVAL)) == 3
    rejected = await world.call(approvals.get, ApprovalRef(approval_id=keys[0]))
    assert (rejected.status, rejected.comment, rejected.reason_code) == (ApprovalStatus.REJECTED, "no", "spam")


async def test_requests_that_differ_are_not_decided_together(either_world: World) -> None:
    world = either_world
    first, other = await hold(world), await hold(world, payload={**RAW, "to": "bob@example.com"})
    with pytest.raises(InterlockError) as refusal:
        await decide(world, first.id, other.id)
    assert (refusal.value.kind, refusal.value.data["field"]) == (Kind.INVALID, "approval_ids")
    assert (await inbox(world)).waiting == 2


async def test_nobody_under_governance_decides_and_no_strangers_request_is_found(world: World) -> None:
    gate = await hold(world)
    agent = Actor(ActorKind.AGENT, AgentId.new(), "desk")
    command = DecideMany(approval_ids=(gate.id,), answer=Answer.APPROVE)
    with pytest.raises(InterlockError) as refusal:
        await world.call_as(agent, reviewing.decide_many, command)
    assert refusal.value.kind is Kind.FORBIDDEN
    with pytest.raises(InterlockError) as unknown:
        await decide(world, gate.id, ApprovalId.new())
    assert unknown.value.kind is Kind.NOT_FOUND
    assert (await inbox(world)).waiting == 1


async def test_what_a_reviewer_leaves_as_shown_stays_as_it_was_asked(either_world: World) -> None:
    world = either_world
    gate = await hold(world)
    edited = {**SHOWN, "amount": 3}
    decided = await world.call(approvals.approve, Approve(approval_id=gate.id, edited_output=edited))
    assert decided.edited_output == edited, "who reads it sees no more than the reviewer"
    async with world.ctx.begin(write=False) as unit:
        assert await approvals.call_to_make(unit, decided) == {**RAW, "amount": 3}


@pytest.mark.parametrize(
    ("edited", "field"),
    [
        ({**SHOWN, "to": "x [masked:email]"}, "edited_output.to"),
        ({**SHOWN, "amount": "many"}, "edited_output.amount"),
        ({**SHOWN, "body": ["[masked:email]"]}, "edited_output.body.0"),
    ],
)
async def test_an_edit_that_cannot_be_meant_is_refused(world: World, edited: Any, field: str) -> None:
    gate = await hold(world)
    with pytest.raises(InterlockError) as refusal:
        await world.call(approvals.approve, Approve(approval_id=gate.id, edited_output=edited))
    assert refusal.value.data["field"] == field
    assert "ann@example.com" not in refusal.value.message
    assert (await inbox(world)).waiting == 1


def test_items_of_a_list_are_found_again_by_what_they_looked_like() -> None:
    shown, stored = {"to": ["[masked:email]", "ops"]}, {"to": ["a@b.example", "ops"]}
    assert restored({"to": ["[masked:email]"]}, shown, stored) == {"to": ["a@b.example"]}
    assert restored({"to": ["new", "[masked:email]", "ops"]}, shown, stored) == {"to": ["new", "a@b.example", "ops"]}
    twins = {"to": ["[masked:email]", "[masked:email]"]}
    both = {"to": ["a@b.example", "c@d.example"]}
    assert restored(twins, twins, both) == both
    with pytest.raises(InterlockError):
        restored({"to": ["[masked:email]"]}, twins, both)


def test_numbers_and_flags_are_not_taken_for_one_another() -> None:
    assert restored({"a": True}, {"a": 1}, {"a": 2}) == {"a": True}


def test_stand_ins_that_were_asked_for_are_words() -> None:
    asked = {"text": "say [masked:email]"}
    assert restored({"text": "say [masked:email]!"}, asked, asked) == {"text": "say [masked:email]!"}


def test_what_is_masked_is_told_by_path() -> None:
    shown = {"a": [{"b": "[masked:card]"}], "c": "***", "d": 1}
    stored = {"a": [{"b": "4111111111111111"}], "c": "secret", "d": 1}
    assert masked_paths(shown, stored) == ["a.0.b", "c"]
    assert masked_paths(shown) == ["a.0.b"]
