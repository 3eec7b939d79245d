"""Operations on policies, and verdicts as callers get them."""

from decimal import Decimal
from typing import Any

import pytest

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.service import Reserve, Settle, UpdateBudget
from interlock.domains.governance.budgets.views import UsageKind
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.service import ListEntries
from interlock.domains.governance.ledger.views import EntryEvent
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.events import PolicyAlerted, PolicyChanged
from interlock.domains.governance.policies.service import (
    CreatePolicy,
    ListPolicies,
    PolicyRef,
    TryPolicies,
    UpdatePolicy,
    caller_of,
)
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import (
    Attempt,
    Decision,
    Match,
    Policy,
    PolicyId,
    PolicyType,
    Screening,
    Verdict,
)
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId, RunId
from interlock.runtime.context import Ctx
from tests.domains.governance.world import World


async def create(
    world: World, kind: str, mode: str | None = None, config: dict[str, Any] | None = None, **rest: Any
) -> Policy:
    values = {"name": f"{kind} rule", "type": kind, "config": config or {}, **rest}
    if mode is not None:
        values["mode"] = mode
    return await world.call(policies.create, CreatePolicy.model_validate(values))


async def verdict(world: World, tool: str = "comms.send_email", ctx: Ctx | None = None, **rest: Any) -> Verdict:
    async with (ctx or await world.fresh()).begin() as unit:
        return await policies.judge(unit, Attempt(tool, rest.pop("arguments", {}), caller_of(unit), **rest))


async def test_log_first_then_promote(world: World) -> None:
    policy = await create(world, "approval")
    assert policy.mode is PolicyMode.LOG
    watched = await verdict(world)
    assert watched.decision is Decision.AUTHORIZED
    assert [(match.mode.value, match.would.value) for match in watched.matched] == [("log", "hold")]

    await world.call(policies.update, UpdatePolicy(policy_id=policy.id, mode=PolicyMode.PAUSE))
    assert (await verdict(world)).decision is Decision.ESCALATED
    await world.call(policies.update, UpdatePolicy(policy_id=policy.id, mode=PolicyMode.BLOCK))
    assert (await verdict(world)).decision is Decision.DENIED
    await world.call(policies.update, UpdatePolicy(policy_id=policy.id, enabled=False))
    assert (await verdict(world)).matched == ()


async def test_deleting_retires_it_at_once(world: World) -> None:
    policy = await create(world, "approval", "block")
    assert (await verdict(world)).decision is Decision.DENIED
    await world.call(policies.delete, PolicyRef(policy_id=policy.id))
    assert (await verdict(world)).decision is Decision.AUTHORIZED
    with pytest.raises(InterlockError) as gone:
        await world.call(policies.get, PolicyRef(policy_id=policy.id))
    assert gone.value.kind is Kind.NOT_FOUND


async def test_a_context_without_rules_version_sees_changes_too(world: World) -> None:
    system = (await world.fresh()).acting_as(world.ctx.actor, world.ctx.scopes)
    unversioned = Ctx(system.runtime, system.actor, system.workspace_id, system.scopes, "job", "jobs")
    assert (await verdict(world, ctx=unversioned)).decision is Decision.AUTHORIZED
    await create(world, "approval", "block")
    assert (await verdict(world, ctx=unversioned)).decision is Decision.DENIED


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("approval", {"min_risk": "extreme"}, "config.min_risk"),
        ("approval", {"surprise": 1}, "config.surprise"),
        ("cost", {}, "config"),
        ("cost", {"per_run": -1}, "config.per_run"),
        ("cost", {"per_run": 1, "period": "week"}, "config.period"),
        ("data_privacy", {"detect": ["email", "aura"]}, "config.detect.1"),
        ("data_privacy", {"detect": []}, "config"),
        ("data_privacy", {"patterns": [{"name": "Bad Name", "regex": "x"}]}, "config.patterns.0.name"),
        ("data_privacy", {"patterns": [{"name": "a", "regex": "(x"}]}, "config.patterns.0.regex"),
        ("data_privacy", {"patterns": [{"name": "a", "regex": r"(a)\1"}]}, "config.patterns.0.regex"),
        ("data_privacy", {"patterns": [{"name": "a", "regex": "x*"}]}, "config.patterns.0.regex"),
        ("data_privacy", {"patterns": [{"name": "a", "regex": "x" * 501}]}, "config.patterns.0.regex"),
        ("content", {"allow": ["x"]}, "config"),
        ("content", {"deny": [" "]}, "config.deny.0"),
        ("compliance", {"controls": []}, "config.controls"),
        ("compliance", {}, "config.controls"),
    ],
)
async def test_wrong_configuration_is_refused_by_field(
    world: World, kind: str, config: dict[str, Any], field: str
) -> None:
    with pytest.raises(InterlockError) as refused:
        await create(world, kind, "block", config)
    assert refused.value.kind is Kind.INVALID
    assert refused.value.data["field"] == field
    assert field in refused.value.message


async def test_a_pattern_that_would_stall_other_engines_is_harmless(world: World) -> None:
    pattern = {"name": "evil", "regex": "(a+)+$"}
    await create(world, "data_privacy", "block", {"detect": [], "patterns": [pattern]})
    answer = await verdict(world, arguments={"text": "a" * 50_000 + "b"})
    assert answer.masked_fields == ()


async def test_updating_checks_the_configuration_against_the_type(world: World) -> None:
    policy = await create(world, "cost", "block", {"per_run": 1})
    with pytest.raises(InterlockError) as refused:
        await world.call(policies.update, UpdatePolicy(policy_id=policy.id, config={"controls": ["x"]}))
    assert refused.value.kind is Kind.INVALID
    with pytest.raises(InterlockError) as null:
        await world.call(policies.update, UpdatePolicy(policy_id=policy.id, mode=None))
    assert null.value.data["field"] == "mode"


async def test_policies_are_listed_filtered_and_private_to_their_workspace(world: World) -> None:
    first = await create(world, "approval", "block")
    second = await create(world, "compliance", config={"controls": ["x"]})
    listed = await world.call(policies.list_, ListPolicies())
    assert [item.id for item in listed.items] == [second.id, first.id]
    filtered = await world.call(policies.list_, ListPolicies(type=PolicyType.APPROVAL))
    assert [item.id for item in filtered.items] == [first.id]

    elsewhere = await world.elsewhere()
    assert (await verdict(world, ctx=elsewhere)).decision is Decision.AUTHORIZED
    async with elsewhere.begin() as other:
        assert (await policies.list_(other, ListPolicies())).items == ()
        for attempt in (
            policies.get(other, PolicyRef(policy_id=first.id)),
            policies.delete(other, PolicyRef(policy_id=first.id)),
        ):
            with pytest.raises(InterlockError) as absent:
                await attempt
            assert absent.value.kind is Kind.NOT_FOUND


async def test_writing_needs_the_admin_scope(world: World) -> None:
    poor = world.ctx.acting_as(world.ctx.actor, frozenset({"workflows"}))
    world.ctx = poor
    with pytest.raises(InterlockError) as refused:
        await create(world, "approval")
    assert refused.value.kind is Kind.FORBIDDEN


async def test_every_change_is_evidence_and_news(world: World) -> None:
    policy = await create(world, "approval")
    await world.call(policies.update, UpdatePolicy(policy_id=policy.id, mode=PolicyMode.BLOCK))
    await world.call(policies.delete, PolicyRef(policy_id=policy.id))
    entries = (await world.call(ledger.list_, ListEntries(event=EntryEvent.POLICY))).items
    told = [(entry.extra or {})["action"] for entry in entries]
    assert told == ["deleted", "updated", "created"]
    assert (entries[1].extra or {})["before"]["mode"] == "log"
    assert (entries[1].extra or {})["after"]["mode"] == "block"
    assert entries[0].caller_label == world.ctx.actor.label
    assert [event.mode for event in world.heard(PolicyChanged)] == ["log", "block", None]


async def test_an_alert_is_told_once_with_its_channels(world: World) -> None:
    await create(world, "approval", "alert", channels=["slack"], match={"tools": ["comms"]})
    run = RunId.new()
    assert (await verdict(world, run_id=run)).decision is Decision.AUTHORIZED
    await verdict(world, tool="crm.create_contact")
    [told] = world.heard(PolicyAlerted)
    assert (told.tool, told.would, told.channels, told.run_id) == ("comms.send_email", "hold", ("slack",), run)


async def test_dry_run_shows_the_verdict_and_leaves_no_trace(world: World) -> None:
    await create(world, "data_privacy", "alert")
    trial = TryPolicies(
        tool="payments.create_refund",
        args={"note": "ada@example.com"},
        policy=CreatePolicy(
            name="refunds", type=PolicyType.APPROVAL, mode=PolicyMode.PAUSE, match=Match(tools=("payments",))
        ),
    )
    shown = await world.call(policies.dry_run, trial)
    assert shown.decision is Decision.ESCALATED
    assert shown.arguments == {"note": "[masked:email]"}
    assert [match["would"] for match in shown.matched] == ["hold", "mask"]
    assert world.heard(PolicyAlerted) == []
    assert (await verdict(world, tool="payments.create_refund")).decision is Decision.AUTHORIZED


async def test_caps_per_run_agent_scope_and_workspace_on_real_counters(world: World) -> None:
    run, agent = RunId.new(), AgentId.new()
    async with world.ctx.begin() as unit:
        await budgets.settle(
            unit,
            Settle(
                kind=UsageKind.TOOL,
                cost=Decimal(3),
                reference="one",
                run_id=run,
                agent_id=agent,
                tool="crm.create_contact",
            ),
        )
    for config, attempt in (
        ({"per_run": 3}, {"run_id": run}),
        ({"per_agent": 3}, {"agent_id": agent}),
        ({"per_workspace": 3}, {}),
        ({"per_scope": 3}, {"tool": "crm.other"}),
    ):
        policy = await create(
            world, "cost", "block", config, match={"tools": ["crm", "comms"]} if "per_scope" in config else {}
        )
        refused = await verdict(world, **attempt)
        assert (refused.decision, refused.reason) == (Decision.DENIED, "budget_exhausted"), config
        assert "3" in refused.matched[0].detail
        await world.call(policies.delete, PolicyRef(policy_id=policy.id))
    await create(world, "cost", "block", {"per_scope": 3}, match={"tools": ["comms"]})
    assert (await verdict(world)).decision is Decision.AUTHORIZED


async def test_reserved_money_counts_and_the_workspace_cap_holds_without_any_policy(world: World) -> None:
    await world.call(budgets.update, UpdateBudget(monthly_cap=Decimal(5)))
    assert (await verdict(world)).decision is Decision.AUTHORIZED
    async with world.ctx.begin() as unit:
        await budgets.reserve(unit, Reserve(amount=Decimal(5), kind=UsageKind.TOOL))
    assert (await verdict(world)).reason == "budget_exhausted"
    await world.call(budgets.update, UpdateBudget(monthly_cap=Decimal(6)))
    assert (await verdict(world)).decision is Decision.AUTHORIZED


async def test_model_output_is_screened_and_alerts_are_told(world: World) -> None:
    await create(world, "content", "alert", {"deny": ["falcon"]})
    await create(world, "content", "block", {"deny": ["eagle"]}, match={"tools": ["model-a"]})

    async def screened(text: str, source: str = "model-a") -> Screening:
        async with (await world.fresh()).begin() as unit:
            return await policies.screen_output(unit, text, source=source)

    assert (await screened("the falcon")).decision is Decision.AUTHORIZED
    assert len(world.heard(PolicyAlerted)) == 1
    assert (await screened("the eagle")).decision is Decision.DENIED
    assert (await screened("the eagle", "model-b")).decision is Decision.AUTHORIZED


async def test_a_dry_run_may_put_a_draft_in_the_place_of_a_policy(world: World) -> None:
    made = await world.call(policies.create, CreatePolicy(name="old", type=PolicyType.APPROVAL, mode=PolicyMode.BLOCK))
    draft = CreatePolicy(name="new", type=PolicyType.APPROVAL, mode=PolicyMode.PAUSE)
    beside = await world.call(policies.dry_run, TryPolicies(tool="x", policy=draft))
    instead = await world.call(policies.dry_run, TryPolicies(tool="x", policy=draft, policy_id=made.id))
    assert (beside.decision, instead.decision) == ("denied", "escalated")
    with pytest.raises(InterlockError) as unknown:
        await world.call(policies.dry_run, TryPolicies(tool="x", policy=draft, policy_id=PolicyId.new()))
    assert unknown.value.kind is Kind.NOT_FOUND
