"""The dry run over what was decided: exact where the evidence allows it, and silent where nobody can know."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.known_tools import ToolFacts, known_tools
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryEvent, NewEntry
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.service import UpdatePolicy
from interlock.domains.governance.policies.views import Decision, RiskLevel
from interlock.domains.governance.replay import service as replaying
from interlock.domains.governance.replay.judging import Basis
from interlock.domains.governance.replay.service import Replay, ReplayedDecision, ReplayPolicy
from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import ActorKind
from tests.domains.governance.asking import approve, check, rule
from tests.domains.governance.backstage import within
from tests.domains.governance.world import World


def draft(kind: str = "approval", mode: str = "block", **rest: Any) -> dict[str, Any]:
    return {"name": "draft", "type": kind, "mode": mode, **rest}


async def run(world: World, policy: dict[str, Any] | None, **rest: Any) -> Replay:
    return await world.call(replaying.replay, ReplayPolicy.model_validate({"policy": policy, **rest}))


async def last(world: World, policy: dict[str, Any] | None, **rest: Any) -> ReplayedDecision:
    return (await run(world, policy, **rest)).decisions[0]


async def test_nothing_was_decided_yet(either_world: World) -> None:
    assert (await run(either_world, draft())).decisions == ()


async def test_a_new_policy_turns_the_calls_of_its_tool(either_world: World) -> None:
    world = either_world
    await check(world, "crm.create")
    await check(world, "pay.out", agent_id="bot")
    told = await run(world, draft(mode="pause", match={"tools": ["pay"]}))
    assert [(one.tool, one.was, one.would_be, one.changed) for one in told.decisions] == [
        ("pay.out", Decision.AUTHORIZED, Decision.ESCALATED, True),
        ("crm.create", Decision.AUTHORIZED, Decision.AUTHORIZED, False),
    ]
    assert (told.changed, told.unknown, told.note) == (1, 0, None)
    assert told.decisions[0].why == "A person is asked by policy 'draft'."
    assert told.decisions[0].basis is Basis.FACTS
    assert (await last(world, draft(match={"callers": ["bot"]}))).would_be is Decision.DENIED
    assert (await last(world, draft(match={"callers": ["cat"]}))).would_be is Decision.AUTHORIZED
    assert not (await last(world, draft(mode="log"))).changed


async def test_promoting_a_policy_is_judged_by_the_matches_on_record(either_world: World) -> None:
    """Its conditions look at arguments nobody kept, and at money; that it matched is evidence."""
    world = either_world
    watching = await rule(world, mode="log", match={"resources": {"channel": ["ops-*"]}})
    world.clock.advance(timedelta(minutes=1))
    await check(world, "post", args={"channel": "ops-1"})
    await check(world, "post", args={"channel": "random"})
    promoted = draft(match={"resources": {"channel": ["ops-*"]}})
    told = await run(world, promoted, policy_id=watching.id)
    assert [(one.would_be, one.basis) for one in told.decisions] == [
        (Decision.AUTHORIZED, Basis.RECORD),
        (Decision.DENIED, Basis.RECORD),
    ]
    world.clock.advance(timedelta(minutes=1))
    await world.call(policies.update, UpdatePolicy(policy_id=watching.id, name="renamed since"))
    assert (await run(world, promoted, policy_id=watching.id)).unknown == 2, "from before its last change"


async def test_retiring_a_policy_lets_its_calls_pass_where_nothing_else_objects(either_world: World) -> None:
    world = either_world
    blocking = await rule(world, mode="block", match={"tools": ["pay.out"]})
    await check(world, "pay.out")
    retired = await last(world, None, policy_id=blocking.id)
    assert (retired.was, retired.would_be) == (Decision.DENIED, Decision.AUTHORIZED)
    known_tools(world.runtime).tell("pay.out", ToolFacts(requires_approval=True))
    assert (await last(world, None, policy_id=blocking.id)).would_be is Decision.ESCALATED
    await rule(world, mode="pause", match={"tools": ["pay.*"]})
    await check(world, "pay.out")
    assert (await last(world, None, policy_id=blocking.id)).why == "A person is asked by policy 'approval pause'."
    switched_off = draft(match={"tools": ["pay.out"]}, enabled=False)
    assert (await last(world, switched_off, policy_id=blocking.id)).would_be is Decision.ESCALATED


async def test_without_arguments_it_says_so(either_world: World) -> None:
    world = either_world
    await check(world, "post", args={"channel": "ops-1"})
    told = await run(world, draft(match={"resources": {"channel": ["ops-*"]}}))
    [one] = told.decisions
    assert (one.would_be, one.changed, one.basis) == (None, False, Basis.NO_ARGUMENTS)
    assert "arguments were not kept" in one.why
    assert told.unknown == 1
    harmless = await last(world, draft("data_privacy", "block"))
    assert harmless.would_be is Decision.AUTHORIZED, "masking refuses nothing, whatever the arguments were"
    assert "makes no difference" in harmless.why
    await check(world, "post")
    assert (await last(world, draft(match={"resources": {"channel": ["ops-*"]}}))).basis is Basis.ARGUMENTS, "none"


async def test_arguments_that_a_gate_kept_are_judged_in_their_masked_form(either_world: World) -> None:
    world = either_world
    replaying.tell(world.runtime, approvals.arguments_of)
    await rule(world, "data_privacy", "log")
    held = await rule(world, mode="pause", match={"tools": ["post"]})
    await check(world, "post", args={"channel": "ops-1", "to": "ann@example.com"})
    by_channel = await last(world, draft(match={"resources": {"channel": ["ops-*"]}}))
    assert (by_channel.would_be, by_channel.basis) == (Decision.DENIED, Basis.MASKED_ARGUMENTS)
    by_address = await last(world, draft(match={"resources": {"to": ["ann@*"]}}))
    assert by_address.would_be is None
    assert "to cannot be seen" in by_address.why
    verdict = await check(world, "post", args={"channel": "random"})
    assert (await last(world, draft(match={"resources": {"channel": ["ops-*"]}}))).would_be is Decision.ESCALATED
    await approve(world, verdict)
    await check(world, "post", args={"channel": "random"})
    agreed = await last(world, draft(mode="pause", match={"tools": ["post"]}), policy_id=held.id)
    assert (agreed.was, agreed.would_be) == (Decision.AUTHORIZED, Decision.AUTHORIZED), "a person had agreed"
    assert (await last(world, draft(match={"tools": ["post"]}))).would_be is Decision.DENIED


async def test_money_of_a_past_moment_is_not_guessed(world: World) -> None:
    await check(world, "pay.out", cost_estimate=2)
    told = await last(world, draft("cost", config={"per_workspace": 1}))
    assert told.would_be is None
    assert "spent at that moment" in told.why
    assert (await last(world, draft(config={"min_cost": 2}))).would_be is Decision.DENIED
    assert (await last(world, draft(config={"min_cost": 3}))).would_be is Decision.AUTHORIZED


async def test_risk_is_that_of_the_tool(world: World) -> None:
    known_tools(world.runtime).tell("pay.out", ToolFacts(risk=RiskLevel.HIGH))
    await check(world, "pay.out")
    await check(world, "pay.in")
    told = await run(world, draft(config={"min_risk": "high"}))
    assert [one.would_be for one in told.decisions] == [Decision.AUTHORIZED, Decision.DENIED]


async def test_what_was_refused_for_other_reasons_stays_refused(world: World) -> None:
    await world.call(budgets.update, budgets.UpdateBudget.model_validate({"monthly_cap": 0}))
    await check(world, "pay.out", cost_estimate=1)
    told = await last(world, draft(mode="pause"))
    assert (told.was, told.would_be) == (Decision.DENIED, Decision.DENIED)


async def test_the_end_of_a_held_call_is_no_decision_of_its_own(world: World) -> None:
    values: dict[str, Any] = {
        "event": EntryEvent.TOOL_CALL,
        "caller_kind": ActorKind.AGENT,
        "caller_label": "desk",
        "tool": "pay.out",
        "args_hash": digest({}),
    }
    endings: tuple[dict[str, Any], ...] = (
        {"decision": "escalated", "approval_id": "appr_1"},
        {"decision": "authorized", "approval_id": "appr_1", "outcome": "success"},
        {"decision": "denied", "reason": "invalid_arguments", "outcome": "error"},
        {"decision": "authorized", "outcome": "error"},
    )
    for more in endings:
        entry = NewEntry(**values, **more)
        await within(world.ctx, partial(ledger.note, new=entry))
    assert [one.was for one in (await run(world, draft())).decisions] == [Decision.AUTHORIZED, Decision.ESCALATED]


async def test_a_content_policy_has_no_past(world: World) -> None:
    await check(world)
    told = await run(world, draft("content", config={"deny": ["secret"]}))
    assert told.changed == 0
    assert told.note is not None


async def test_only_so_many_and_only_ones_own(either_world: World) -> None:
    world = either_world
    for number in range(4):
        await check(world, f"t{number}")
    assert [one.tool for one in (await run(world, draft(), last=2)).decisions] == ["t3", "t2"]
    elsewhere = await world.elsewhere()
    async with elsewhere.begin(write=False) as unit:
        assert (await replaying.replay(unit, ReplayPolicy.model_validate({"policy": draft()}))).decisions == ()


@pytest.mark.parametrize(
    ("policy", "rest", "field"),
    [
        (None, {}, "policy"),
        (draft(config={"reasons": "x"}), {}, "config.reasons"),
        (draft(enabled=False, config={"reasons": "x"}), {}, "config.reasons"),
    ],
)
async def test_a_draft_that_cannot_be_is_told(world: World, policy: Any, rest: dict[str, Any], field: str) -> None:
    with pytest.raises(InterlockError) as refusal:
        await run(world, policy, **rest)
    assert (refusal.value.kind, refusal.value.data["field"]) == (Kind.INVALID, field)


async def test_a_draft_keeps_the_type_of_what_it_replaces(world: World) -> None:
    known = await rule(world)
    with pytest.raises(InterlockError) as refusal:
        await run(world, draft("compliance", config={"controls": ["x"]}), policy_id=known.id)
    assert refusal.value.data["field"] == "policy.type"
