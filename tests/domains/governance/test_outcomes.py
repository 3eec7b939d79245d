"""Money set aside for checks, and what becomes of checked actions."""

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import jwt

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.service import ApprovalRef
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.service import UpdateBudget
from interlock.domains.governance.checks.views import CheckId, Outcome
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import VerifyLedger
from interlock.domains.governance.ledger.views import EntryEvent
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.service import PolicyRef
from interlock.domains.governance.policies.views import Decision
from interlock.kit.errors import Kind
from interlock.kit.operations import Nothing
from tests.domains.governance.asking import approve, check, entries, gate_of, refused, report, reserved, rule, spent
from tests.domains.governance.world import World

# Money


async def test_an_estimate_is_set_aside_for_fifteen_minutes(world: World) -> None:
    await world.call(budgets.update, UpdateBudget(monthly_cap=Decimal(10)))
    assert (await check(world, cost_estimate=7)).decision is Decision.AUTHORIZED
    assert await reserved(world) == 7
    poor = await check(world, cost_estimate=4)
    assert (poor.decision, poor.reason) == (Decision.DENIED, "budget_exhausted")
    assert (await check(world, cost_estimate=3)).decision is Decision.AUTHORIZED
    world.clock.advance(timedelta(minutes=16))
    assert (await check(world, cost_estimate=10)).decision is Decision.AUTHORIZED


async def test_the_outcome_settles_what_was_set_aside(world: World) -> None:
    verdict = await check(world, cost_estimate=7)
    await report(world, verdict.check_id, cost_usd=2.5, latency_ms=12, provider_ref="ch_1")
    assert [await reserved(world), await spent(world)] == [0, Decimal("2.5")]
    await report(world, verdict.check_id, cost_usd=2.5)
    assert await spent(world) == Decimal("2.5")
    [entry] = await entries(world, EntryEvent.OUTCOME)
    assert (entry.cost, entry.latency_ms, entry.provider_ref) == (Decimal("2.5"), 12, "ch_1")


async def test_a_check_tells_the_id_of_the_attestation_that_its_final_outcome_gets(world: World) -> None:
    await rule(world, match={"tools": ["pay"]})
    plain, held = await check(world), await check(world, tool="pay.out", idempotency_key="k1")
    told = await report(world, plain.check_id)
    assert told.attestation_jti == plain.attestation_jti == (await report(world, plain.check_id)).attestation_jti
    assert jwt.decode(told.attestation, options={"verify_signature": False})["jti"] == plain.attestation_jti
    early = await report(world, held.check_id, "cancelled", tool="pay.out")
    await approve(world, held)
    final = await report(world, held.check_id, tool="pay.out")
    assert final.attestation_jti == held.attestation_jti
    assert len({early.attestation_jti, final.attestation_jti, told.attestation_jti}) == 3


async def test_a_cancelled_action_gives_its_money_back(world: World) -> None:
    verdict = await check(world, cost_estimate=7)
    await report(world, verdict.check_id, "cancelled")
    assert [await reserved(world), await spent(world)] == [0, 0]


async def test_money_is_set_aside_when_a_person_agrees_not_before(world: World) -> None:
    await rule(world)
    asked = await check(world, cost_estimate=7, idempotency_key="k1")
    assert await reserved(world) == 0
    await approve(world, asked)
    for _ in range(2):
        assert (await check(world, cost_estimate=7, idempotency_key="k1")).decision is Decision.AUTHORIZED
        assert await reserved(world) == 7
    await report(world, asked.check_id, cost_usd=6)
    assert [await reserved(world), await spent(world)] == [0, 6]


async def test_caps_per_agent_label_count_what_that_agent_spent(world: World) -> None:
    await rule(world, "cost", "block", {"per_agent": 5})
    await report(world, (await check(world, agent_id="a")).check_id, cost_usd=5, agent_id="a")
    assert (await check(world, agent_id="a")).reason == "budget_exhausted"
    assert (await check(world, agent_id="b")).decision is Decision.AUTHORIZED


async def test_simultaneous_checks_never_pass_a_cap_together(either_world: World) -> None:
    world = either_world
    await rule(world, "cost", "block", {"per_workspace": 3})
    answers = await asyncio.gather(*(check(world, args={"n": n}, cost_estimate=1) for n in range(8)))
    assert Counter(answer.decision for answer in answers) == {Decision.AUTHORIZED: 3, Decision.DENIED: 5}


# Outcomes


async def test_an_outcome_is_attested_and_the_proof_verifies(world: World) -> None:
    verdict = await check(world)
    receipt = await report(world, verdict.check_id)
    keys = {key.kid: key for key in (await world.call(ledger.jwks, Nothing())).keys}
    claims = jwt.decode(
        receipt.attestation,
        jwt.PyJWK(keys[receipt.attestation_kid].model_dump()),
        algorithms=["EdDSA"],
        audience="mcp-governance",
        options={"verify_nbf": False, "verify_iat": False},
    )
    assert claims["check_id"] == str(verdict.check_id)
    assert (claims["tool"], claims["decision"], claims["outcome"]) == ("crm.create_contact", "authorized", "success")
    assert claims["audit_id"] == str(receipt.audit_id)


async def test_the_same_outcome_again_is_the_same_attestation_and_another_a_conflict(world: World) -> None:
    verdict = await check(world)
    first = await report(world, verdict.check_id, provider_ref="x")
    assert await report(world, verdict.check_id) == first
    with refused(Kind.CONFLICT):
        await report(world, verdict.check_id, "error")
    assert len(await entries(world, EntryEvent.OUTCOME)) == 1


async def test_simultaneous_reports_yield_one_entry(either_world: World) -> None:
    world = either_world
    verdict = await check(world, cost_estimate=2)
    receipts = await asyncio.gather(*(report(world, verdict.check_id, cost_usd=1) for _ in range(6)))
    assert len({receipt.attestation for receipt in receipts}) == 1
    assert len(await entries(world, EntryEvent.OUTCOME)) == 1
    assert [await spent(world), await reserved(world)] == [1, 0]


async def test_an_empty_check_id_writes_a_row_that_stands_alone(world: World) -> None:
    for _ in range(2):
        receipt = await report(world, "", cost_usd=1)
        assert receipt.check_id is None
    assert len(await entries(world, EntryEvent.OUTCOME)) == 2
    assert await spent(world) == 2


async def test_an_unknown_check_is_not_found_and_another_tool_invalid(world: World) -> None:
    with refused(Kind.NOT_FOUND):
        await report(world, CheckId.new())
    with refused(Kind.INVALID):
        await report(world, (await check(world, "crm.other")).check_id)


async def test_success_cannot_be_claimed_without_a_yes(world: World) -> None:
    block = await rule(world, mode="block")
    denied = await check(world)
    with refused(Kind.CONFLICT):
        await report(world, denied.check_id)
    assert (await report(world, denied.check_id, "cancelled")).outcome is Outcome.CANCELLED
    await world.call(policies.delete, PolicyRef(policy_id=block.id))
    await rule(world)
    with refused(Kind.CONFLICT):
        await report(world, (await check(world)).check_id)


async def test_cancelled_after_an_escalation_is_logged_and_leaves_the_gate_open(world: World) -> None:
    await rule(world)
    asked = await check(world, idempotency_key="k1")
    cancelled = await report(world, asked.check_id, "cancelled")
    assert await report(world, asked.check_id, "cancelled") == cancelled
    gate = await world.call(approvals.get, ApprovalRef(approval_id=await gate_of(asked)))
    assert gate.status is ApprovalStatus.PENDING

    await approve(world, asked)
    assert (await check(world, idempotency_key="k1")).decision is Decision.AUTHORIZED
    done = await report(world, asked.check_id, "success")
    assert done.audit_id != cancelled.audit_id
    assert await report(world, asked.check_id, "success") == done
    with refused(Kind.CONFLICT):
        await report(world, asked.check_id, "cancelled")
    assert [entry.outcome for entry in await entries(world, EntryEvent.OUTCOME)] == ["success", "cancelled"]


async def test_the_wrapper_without_keys_gets_through_after_approval(world: World) -> None:
    """The published wrapper: check, cancelled, approval by a person, the same check again, success."""
    await rule(world)
    asked = await check(world, args={"a": 1}, agent_id="langchain")
    await report(world, asked.check_id, "cancelled", agent_id="langchain")
    await approve(world, asked)
    again = await check(world, args={"a": 1}, agent_id="langchain")
    assert again.decision is Decision.AUTHORIZED
    assert (await report(world, again.check_id, agent_id="langchain")).outcome is Outcome.SUCCESS
    verified = await world.call(ledger.verify, VerifyLedger())
    assert (verified.valid, verified.gaps) == (True, ())


async def test_checks_without_outcome_are_gaps_that_do_not_invalidate(world: World) -> None:
    verdict = await check(world)
    verified = await world.call(ledger.verify, VerifyLedger())
    assert verified.valid
    assert [gap.check_id for gap in verified.gaps] == [str(verdict.check_id)]
