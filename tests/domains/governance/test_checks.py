"""Verdicts as SDK clients get them."""

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.service import ApprovalRef, ListApprovals, Reject
from interlock.domains.governance.approvals.views import ApprovalKind
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.service import UpdateBudget
from interlock.domains.governance.checks import service as checks
from interlock.domains.governance.checks.service import CheckAction, RecordOutcome
from interlock.domains.governance.checks.views import Outcome, ToolFacts
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import VerifyLedger
from interlock.domains.governance.ledger.views import EntryEvent
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.service import PolicyRef
from interlock.domains.governance.policies.views import Decision
from interlock.kit.errors import Kind
from tests.domains.governance.asking import approve, check, entries, gate_of, refused, report, reserved, rule
from tests.domains.governance.world import World

CARD = "4111 1111 1111 1111"


async def test_a_free_action_is_authorized_and_recorded_once(world: World) -> None:
    verdict = await check(world, args={"email": "x"}, agent_id="desk", model="m", tokens=3)
    assert verdict.decision is Decision.AUTHORIZED
    assert (verdict.escalation_id, verdict.policy_id) == (None, None)
    [entry] = await entries(world)
    assert (entry.check_id, entry.decision, entry.caller_label, entry.tool) == (
        str(verdict.check_id),
        "authorized",
        "desk",
        "crm.create_contact",
    )
    assert entry.extra == {"model": "m", "tokens": 3}


async def test_key_order_does_not_change_the_hash(world: World) -> None:
    await check(world, args={"a": 1, "b": {"c": 2, "d": 3}})
    await check(world, args={"b": {"d": 3, "c": 2}, "a": 1})
    first, second = await entries(world)
    assert first.args_hash == second.args_hash


async def test_every_verdict_is_recorded_with_its_policies_and_tags(world: World) -> None:
    block = await rule(world, mode="block", match={"tools": ["payments"]})
    await rule(world, "compliance", "log", {"controls": ["Art.14"], "framework": "EU AI Act"})
    verdict = await check(world, "payments.create_refund")
    assert (verdict.decision, verdict.policy_id) == (Decision.DENIED, block.id)
    [entry] = await entries(world)
    assert [(match["mode"], match["would"]) for match in entry.matched] == [("block", "deny"), ("log", "label")]
    assert (entry.decision, entry.policy_id, entry.controls) == ("denied", str(block.id), ("EU AI Act:Art.14",))


async def test_only_the_masked_form_reaches_ledger_and_gate(world: World) -> None:
    await rule(world, "data_privacy", "log")
    await rule(world)
    verdict = await check(world, args={"note": f"pay with {CARD}", "deep": [{"to": "ada@example.com"}]})
    assert verdict.decision is Decision.ESCALATED
    gate = await world.call(approvals.get, ApprovalRef(approval_id=await gate_of(verdict)))
    assert gate.arguments == {"note": "pay with [masked:card]", "deep": [{"to": "[masked:email]"}]}
    [entry] = await entries(world)
    assert set(entry.masked_fields) == {"note", "deep.0.to"}
    for shown in (entry.model_dump_json(), gate.model_dump_json(), verdict.model_dump_json()):
        assert "4111" not in shown
        assert "ada@" not in shown


async def test_an_error_text_is_masked_too(world: World) -> None:
    await rule(world, "data_privacy", "log")
    verdict = await check(world)
    await report(world, verdict.check_id, "error", error="no account for ada@example.com")
    [entry] = await entries(world, EntryEvent.OUTCOME)
    assert entry.error == "no account for [masked:email]"


async def test_registered_tools_that_need_approval_are_held_with_no_policy_at_all(world: World) -> None:
    checks.known_tools(world.runtime).tell("payments.create_refund", ToolFacts(requires_approval=True))
    assert (await check(world, "payments.create_refund")).decision is Decision.ESCALATED
    assert (await check(world, "payments.list")).decision is Decision.AUTHORIZED


async def test_two_names_for_one_gate(world: World) -> None:
    await rule(world)
    verdict = await check(world)
    assert verdict.escalation_id is not None
    assert verdict.escalation_id.startswith("esc_")
    gate = await world.call(approvals.get, ApprovalRef.model_validate({"approval_id": verdict.escalation_id}))
    assert (gate.id, gate.kind, gate.subject) == (verdict.approval_id, ApprovalKind.CHECK, str(verdict.check_id))


# Idempotency


async def test_a_key_repeats_its_verdict_without_a_second_entry_or_gate(world: World) -> None:
    await rule(world)
    first = await check(world, args={"a": 1}, idempotency_key="k1")
    again = await check(world, args={"a": 1}, idempotency_key="k1")
    assert again == first
    assert len(await entries(world)) == 1
    assert len((await world.call(approvals.list_, ListApprovals())).items) == 1


async def test_a_key_keeps_its_verdict_though_the_policies_change_and_without_key_the_next_answer_changes(
    world: World,
) -> None:
    kept = await check(world, idempotency_key="k1")
    await rule(world, mode="block")
    assert await check(world, idempotency_key="k1") == kept
    assert (await check(world)).decision is Decision.DENIED


@pytest.mark.parametrize(
    "other",
    [
        {"args": {"a": 2}},
        {"tool": "crm.other"},
        {"agent_id": "x"},
        {"cost_estimate": 1},
        {"action_type": "x"},
        {"tokens": 1},
    ],
)
async def test_a_key_with_another_payload_is_a_conflict(world: World, other: dict[str, Any]) -> None:
    same: dict[str, Any] = {"tool": "crm.create_contact", "args": {"a": 1}, "idempotency_key": "k1"}
    await check(world, **same)
    with refused(Kind.CONFLICT):
        await check(world, **{**same, **other})


async def test_keys_belong_to_one_workspace(world: World) -> None:
    mine = await check(world, idempotency_key="k1")
    elsewhere = World(world.runtime, world.clock, await world.elsewhere(), world.news)
    theirs = await check(elsewhere, tool="other.tool", idempotency_key="k1")
    assert mine.check_id != theirs.check_id
    with refused(Kind.NOT_FOUND):
        await report(elsewhere, mine.check_id)


@pytest.mark.parametrize("mode", ["pause", "log"])
async def test_simultaneous_first_uses_of_a_key_make_one_check(either_world: World, mode: str) -> None:
    world = either_world
    await rule(world, mode=mode)
    for number in range(3):
        answers = await asyncio.gather(
            *(check(world, args={"n": number}, idempotency_key=f"k{number}", cost_estimate=1) for _ in range(8))
        )
        assert len({answer.check_id for answer in answers}) == 1
        assert len({answer.decision for answer in answers}) == 1
    assert len(await entries(world)) == 3
    gates = (await world.call(approvals.list_, ListApprovals())).items
    assert len(gates) == (3 if mode == "pause" else 0)
    assert await reserved(world) == (0 if mode == "pause" else 3)


async def test_a_burst_of_checks_leaves_a_gapless_valid_chain(either_world: World) -> None:
    world = either_world
    await rule(world, "compliance", "log", {"controls": ["x"]})
    answers = await asyncio.gather(*(check(world, args={"n": number}) for number in range(25)))
    assert len({answer.check_id for answer in answers}) == 25
    verified = await world.call(ledger.verify, VerifyLedger())
    assert verified.valid
    assert verified.entries == 26


async def test_the_same_key_tells_what_a_person_decided(world: World) -> None:
    await rule(world)
    yes, no = await check(world, idempotency_key="yes"), await check(world, idempotency_key="no")
    assert yes.approval_id != no.approval_id
    await approve(world, yes)
    await world.call(approvals.reject, Reject(approval_id=await gate_of(no), comment="too late"))
    after_yes, after_no = await check(world, idempotency_key="yes"), await check(world, idempotency_key="no")
    assert (after_yes.decision, after_yes.check_id, after_yes.escalation_id) == (
        Decision.AUTHORIZED,
        yes.check_id,
        None,
    )
    assert (after_no.decision, after_no.check_id) == (Decision.DENIED, no.check_id)
    assert "too late" in after_no.reason
    assert len(await entries(world)) == 2


async def test_an_expired_gate_means_denied(world: World) -> None:
    await rule(world)
    await check(world, idempotency_key="k1")
    world.clock.advance(timedelta(hours=24))
    assert (await check(world, idempotency_key="k1")).decision is Decision.DENIED


# Without a key: one approval, one use


async def test_an_approval_lets_the_next_identical_check_pass_once(world: World) -> None:
    await rule(world)
    asked = await check(world, args={"a": 1}, agent_id="desk")
    await approve(world, asked)
    assert (await check(world, args={"a": 2}, agent_id="desk")).decision is Decision.ESCALATED
    assert (await check(world, args={"a": 1}, agent_id="other")).decision is Decision.ESCALATED
    assert (await check(world, "crm.x", args={"a": 1}, agent_id="desk")).decision is Decision.ESCALATED
    assert (await check(world, args={"a": 1}, agent_id="desk", idempotency_key="k")).decision is Decision.ESCALATED

    passed = await check(world, args={"a": 1}, agent_id="desk")
    assert (passed.decision, passed.approval_id) == (Decision.AUTHORIZED, asked.approval_id)
    assert passed.check_id != asked.check_id
    entry = (await entries(world))[0]
    assert (entry.approval_id, entry.reviewer) == (str(asked.approval_id), str(world.ctx.actor.user_id))
    assert (await check(world, args={"a": 1}, agent_id="desk")).decision is Decision.ESCALATED


async def test_repeats_while_waiting_share_one_gate(world: World) -> None:
    await rule(world)
    first, second = await check(world, args={"a": 1}), await check(world, args={"a": 1})
    assert first.check_id != second.check_id
    assert first.approval_id == second.approval_id
    assert len((await world.call(approvals.list_, ListApprovals())).items) == 1


async def test_one_approval_is_used_once_under_pressure(either_world: World) -> None:
    world = either_world
    await rule(world)
    await approve(world, await check(world, args={"a": 1}))
    answers = await asyncio.gather(*(check(world, args={"a": 1}) for _ in range(8)))
    assert Counter(answer.decision for answer in answers)[Decision.AUTHORIZED] == 1


async def test_simultaneous_identical_checks_share_one_gate(either_world: World) -> None:
    await rule(either_world)
    answers = await asyncio.gather(*(check(either_world, args={"a": 1}) for _ in range(6)))
    assert len({answer.approval_id for answer in answers}) == 1


async def test_block_policies_and_budget_still_apply_to_an_approved_check(world: World) -> None:
    await rule(world)
    await approve(world, await check(world, args={"a": 1}, cost_estimate=5))
    block = await rule(world, mode="block")
    assert (await check(world, args={"a": 1}, cost_estimate=5)).decision is Decision.DENIED
    await world.call(policies.delete, PolicyRef(policy_id=block.id))
    await world.call(budgets.update, UpdateBudget(monthly_cap=Decimal(4)))
    poor = await check(world, args={"a": 1}, cost_estimate=5)
    assert (poor.decision, poor.reason) == (Decision.DENIED, "budget_exhausted")
    await world.call(budgets.update, UpdateBudget(monthly_cap=Decimal(6)))
    assert (await check(world, args={"a": 1}, cost_estimate=5)).decision is Decision.AUTHORIZED


async def test_an_unused_approval_fades(world: World) -> None:
    await rule(world)
    await approve(world, await check(world))
    world.clock.advance(timedelta(hours=25))
    assert (await check(world)).decision is Decision.ESCALATED


async def test_acting_on_an_approval_without_asking_again_uses_it_up(world: World) -> None:
    await rule(world)
    asked = await check(world)
    await approve(world, asked)
    assert (await report(world, asked.check_id)).outcome is Outcome.SUCCESS
    assert (await check(world)).decision is Decision.ESCALATED


# What is refused before anything happens


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tool": ""}, "tool"),
        ({"tool": "  "}, "tool"),
        ({"tool": "x\x00"}, "tool"),
        ({"args": [1]}, "args"),
        ({"args": None}, "args"),
        ({"action_type": "Tool"}, "action_type"),
        ({"action_type": "a" * 65}, "action_type"),
        ({"cost_estimate": -0.01}, "cost_estimate"),
        ({"cost_estimate": "NaN"}, "cost_estimate"),
        ({"tokens": -1}, "tokens"),
        ({"idempotency_key": "k" * 201}, "idempotency_key"),
    ],
)
def test_a_malformed_check_names_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        CheckAction.model_validate({"tool": "crm.x", **values})
    assert wrong.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"outcome": "done"}, "outcome"),
        ({"error": "e" * 2001}, "error"),
        ({"provider_ref": "p" * 513}, "provider_ref"),
        ({"cost_usd": -1}, "cost_usd"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"check_id": "nonsense"}, "check_id"),
    ],
)
def test_a_malformed_outcome_names_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        RecordOutcome.model_validate({"tool": "crm.x", "outcome": "success", **values})
    assert wrong.value.errors()[0]["loc"][0] == field


def test_the_clients_own_limits_just_fit() -> None:
    told = RecordOutcome(tool="x", outcome=Outcome.ERROR, error="e" * 2000, provider_ref="p" * 512)
    assert (len(told.error), len(told.provider_ref)) == (2000, 512)


def test_defaults_and_empty_texts() -> None:
    asked = CheckAction.model_validate({"tool": "x", "agent_id": "", "idempotency_key": ""})
    assert (asked.agent_id, asked.idempotency_key, asked.action_type, asked.args) == ("default", None, "tool_call", {})


async def test_texts_that_one_database_cannot_keep_are_no_failure(either_world: World) -> None:
    world = either_world
    await rule(world)
    verdict = await check(world, args={"nul \x00": ["\x00", {"x": "\x00"}]})
    assert verdict.decision is Decision.ESCALATED
    await report(world, verdict.check_id, "cancelled", error="\x00", provider_ref="\x00")
