"""The AI registry fills itself from evidence, counts exactly, weighs what it finds, and its levels reach verdicts."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from interlock.domains.accounts.service import clients
from interlock.domains.accounts.states import ClientKind
from interlock.domains.governance.checks import service as checks
from interlock.domains.governance.checks.views import CheckVerdict, ToolFacts
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryEvent
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import Decision, PolicyType, RiskLevel
from interlock.domains.governance.registry import jobs as registry_jobs
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry import subscribers
from interlock.domains.governance.registry.standing import CATCH_UP
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import AiSystem, Period, SystemDetail
from interlock.domains.governance.risk.views import DataClass, Dimension
from interlock.domains.settings import service as settings
from interlock.domains.settings.events import RiskSettingsChanged
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId
from interlock.kit.operations import Nothing
from interlock.runtime.context import ALL_SCOPES, Actor, ActorKind
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import job_rows
from tests.domains.governance.world import World

AGENT = SystemKind.AGENT


async def check(world: World, tool: str = "crm.read", label: str = "desk", **rest: Any) -> CheckVerdict:
    return await world.call(checks.check_action, checks.CheckAction(tool=tool, agent_id=label, **rest))


async def look(world: World) -> None:
    await registry_jobs.catch_up(await world.fresh(), Nothing())


async def listed(world: World, **query: Any) -> list[AiSystem]:
    return list((await world.call(registry.list_, registry.ListSystems.model_validate(query))).items)


async def the(world: World, subject: str = "desk") -> SystemDetail:
    found = next(system for system in await listed(world) if system.subject == subject)
    return await world.call(registry.get, registry.SystemRef(system_id=found.id))


async def note(world: World, *args: Any, **rest: Any) -> AiSystem:
    async with (await world.fresh()).begin() as unit:
        return await registry.note(unit, registry.NoteSystem(*args, **rest))


async def planned(world: World) -> int:
    async with world.ctx.begin(write=False) as reading:
        counting = select(func.count()).select_from(job_rows).where(job_rows.c.handler == CATCH_UP)
        number: int = (await (await reading.session()).execute(counting)).scalar_one()
        return number


async def test_an_unseen_label_is_listed_with_owner_scope_and_footprint(either_world: World) -> None:
    world = either_world
    await world.call(
        policies.create,
        policies.CreatePolicy.model_validate(
            {"name": "gate", "type": "approval", "mode": "pause", "match": {"tools": ["pay"]}}
        ),
    )
    for _ in range(3):
        await check(world)
    await check(world, "pay.out")
    await check(world, label="other")
    await look(world)
    desk = await the(world)
    assert (desk.kind, desk.name, desk.tools, desk.active_at) == (AGENT, "desk", None, world.clock.now())
    assert desk.owner_id == world.ctx.actor.user_id
    assert dict(desk.footprint[Period.WEEK]) == {"authorized": 3, "escalated": 1, "denied": 0, "unsupervised": 3}
    assert desk.observed.tools == ("crm.read", "pay.out")
    assert desk.observed.data == (DataClass.PERSONAL,)
    assert {system.subject for system in await listed(world)} == {"desk", "other"}


async def test_counts_are_exact_however_often_and_in_how_many_batches_the_ledger_is_read(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_jobs, "_BATCH", 3)
    for number in range(10):
        await check(either_world, label=f"desk-{number % 2}")
        if number == 4:
            await look(either_world)
    await look(either_world)
    await look(either_world)
    for subject in ("desk-0", "desk-1"):
        assert (await the(either_world, subject)).footprint[Period.WEEK].authorized == 5


async def test_looks_at_the_same_time_count_every_call_once(either_world: World) -> None:
    for number in range(8):
        await check(either_world, label=f"desk-{number % 4}")
    await asyncio.gather(*(look(either_world) for _ in range(3)))
    systems = await listed(either_world)
    footprints = [(await the(either_world, system.subject)).footprint[Period.WEEK] for system in systems]
    assert [footprint.authorized for footprint in footprints] == [2] * 4


async def test_periods_end_with_the_day(world: World) -> None:
    await check(world)
    await look(world)
    world.clock.advance(timedelta(days=6))
    assert (await the(world)).footprint[Period.WEEK].authorized == 1
    world.clock.advance(timedelta(days=1))
    assert (await the(world)).footprint[Period.WEEK].authorized == 0
    assert (await the(world)).footprint[Period.MONTH].authorized == 1
    world.clock.advance(timedelta(days=83))
    assert (await the(world)).footprint[Period.QUARTER].authorized == 0


async def test_a_verdict_plans_a_look_for_what_is_new_and_once_a_minute_not_for_every_call(either_world: World) -> None:
    world = either_world
    for _ in range(5):
        await check(world)
    assert await planned(world) == 1
    await check(world, label="second")
    await check(world, label="third")
    assert await planned(world) == 2, "one more look sees both"
    world.clock.advance(timedelta(seconds=30))
    await check(world)
    assert await planned(world) == 2
    world.clock.advance(timedelta(seconds=31))
    await check(world)
    await check(world)
    assert await planned(world) == 3


async def test_a_known_caller_costs_the_verdict_no_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await check(world)
    await look(world)
    monkeypatch.setattr("interlock.domains.governance.registry.repository.elevated", None)
    monkeypatch.setattr(type(world.runtime.jobs), "enqueue", None)
    assert (await check(world)).decision is Decision.AUTHORIZED


async def test_filters_by_kind_risk_owner_and_activity(world: World) -> None:
    agent, owner = AgentId.new(), world.ctx.actor.user_id
    await note(world, AGENT, str(agent), "Refund desk", owner, ("payments",))
    await note(world, SystemKind.ADAPTER, "stripe", "Stripe", tools=())
    await check(world)
    await look(world)
    assert [system.subject for system in await listed(world, kind="adapter")] == ["stripe"]
    assert {system.subject for system in await listed(world, owner=str(owner))} == {"desk", str(agent)}
    assert [system.subject for system in await listed(world, active="7")] == ["desk"]
    world.clock.advance(timedelta(days=8))
    assert await listed(world, active="7") == []
    assert [system.subject for system in await listed(world, active="30")] == ["desk"]
    assert await listed(world, risk="critical") == []
    assert [system.subject for system in await listed(world, limit=1, offset=2)] == [str(agent)]


async def test_a_critical_caller_is_held_from_the_next_verdict_on_and_free_again_after(either_world: World) -> None:
    world = either_world
    await check(world)
    await look(world)
    detail = await _override(world, 95.0)
    assert (detail.level, detail.score, detail.flagged) == (RiskLevel.CRITICAL, 95.0, True)
    held = await check(world)
    assert (held.decision, "critical risk" in held.reason) == (Decision.ESCALATED, True)
    assert (await check(world, label="other")).decision is Decision.AUTHORIZED
    await _override(world, None)
    assert (await check(world)).decision is Decision.AUTHORIZED


async def _override(world: World, score: float | None) -> SystemDetail:
    command = registry.AssessSystem(
        system_id=(await the(world)).id, overrides=dict.fromkeys(Dimension, score), reason="Reviewed by the board."
    )
    return await world.call(registry.assess_system, command)


async def test_a_caller_above_the_threshold_needs_a_person_for_sensitive_tools_only(world: World) -> None:
    checks.known_tools(world.runtime).tell("pay.out", ToolFacts(risk=RiskLevel.HIGH))
    assert (await check(world, "pay.out")).decision is Decision.AUTHORIZED
    await look(world)
    assert (await _override(world, 70.0)).level is RiskLevel.HIGH
    assert (await check(world, "pay.out")).decision is Decision.ESCALATED
    assert (await check(world, "crm.read")).decision is Decision.AUTHORIZED


async def test_an_assessment_by_hand_is_evidence_and_needs_a_reason_for_what_it_sets(world: World) -> None:
    await check(world)
    await look(world)
    system = await the(world)
    with pytest.raises(InterlockError) as refused:
        await world.call(
            registry.assess_system, registry.AssessSystem(system_id=system.id, overrides={Dimension.BIAS: 1.0})
        )
    assert refused.value.data["field"] == "reason"
    await world.call(registry.assess_system, registry.AssessSystem(system_id=system.id))
    told = await world.call(
        registry.assess_system,
        registry.AssessSystem(system_id=system.id, tags=("Annex III",), reason="Screens applicants."),
    )
    assert told.tags == ("Annex III",)
    assert told.score > system.score
    page = await world.call(ledger.list_, ledger.ListEntries(event=EntryEvent.RISK))
    assert [entry.reason for entry in page.items] == ["Screens applicants.", None]
    assert page.items[0].extra is not None
    assert page.items[0].extra["tags"] == ["Annex III"]


async def test_a_wider_scope_weighs_more_at_once(world: World) -> None:
    agent = str(AgentId.new())
    narrow = await note(world, AGENT, agent, "Desk", None, ("weather.read",))
    wide = await note(world, AGENT, agent, "Desk", None, None)
    assert wide.id == narrow.id
    assert wide.score > narrow.score
    assert len(await listed(world)) == 1


async def test_evidence_of_personal_data_and_controls_raises_the_score(world: World) -> None:
    for kind, config in (
        (PolicyType.DATA_PRIVACY, {"detect": ["email"]}),
        (PolicyType.COMPLIANCE, {"framework": "EU AI Act", "controls": ["Art.14"]}),
    ):
        command = policies.CreatePolicy(name=kind.value, type=kind, config=config)
        await world.call(policies.create, command)
    await check(world, "notes.add", args={"text": "x"})
    await look(world)
    plain = (await the(world)).score
    await check(world, "notes.add", args={"text": "ada@example.com"})
    await look(world)
    found = await the(world)
    assert found.observed.data == (DataClass.PERSONAL,)
    assert len(found.observed.tags) == 1
    assert found.score > plain


async def test_every_night_what_was_done_in_the_week_is_weighed_again(world: World) -> None:
    await check(world, "weather.read")
    await look(world)
    first = (await listed(world))[0]
    for _ in range(30):
        await check(world, "weather.read")
    await registry_jobs.nightly(world.ctx)
    busy = (await listed(world))[0]
    world.clock.advance(timedelta(days=8))
    await registry_jobs.nightly(world.ctx)
    idle = (await listed(world))[0]
    assert busy.score > first.score > idle.score


async def test_changed_weights_and_threshold_take_effect_everywhere(world: World) -> None:
    await check(world)
    await look(world)
    only = {"bias_weight": 0, "privacy_weight": 0, "regulatory_weight": 0, "threshold": 20}
    await world.call(settings.update, settings.UpdateSettings.model_validate({"risk": only}))
    assert len(world.heard(RiskSettingsChanged)) == 1
    await registry_jobs.reweigh(await world.fresh())
    system = await the(world)
    assert (system.score, system.threshold) == (system.scores[Dimension.OPERATIONAL].score, 20)
    assert system.level is RiskLevel.HIGH


async def test_registered_programs_come_and_go(either_world: World) -> None:
    world = either_world
    command = clients.RegisterClient(name="Cursor", kind=ClientKind.CURSOR, tools=("crm",))
    client = await world.call(clients.register_client, command)
    await subscribers.on_client_changed(await world.fresh(), world.news[-1])  # type: ignore[arg-type] # the one event
    found = (await listed(world, kind="mcp_client"))[0]
    assert (found.subject, found.owner_id, found.tools) == (str(client.id), world.ctx.actor.user_id, ("crm",))
    await world.call(clients.revoke_client, clients.ClientRef(client_id=client.id))
    await subscribers.on_client_changed(await world.fresh(), world.news[-1])  # type: ignore[arg-type] # the one event
    assert await listed(world) == []
    assert [system.subject for system in await listed(world, removed=True)] == [str(client.id)]


async def test_what_was_there_before_the_registry_is_listed_at_its_first_look(either_world: World) -> None:
    world = either_world
    client = await world.call(clients.register_client, clients.RegisterClient(name="old", kind=ClientKind.CUSTOM))
    registry.tell(world.runtime, subscribers.systems)
    await registry_jobs.begin(world.ctx)
    assert await planned(world) == 1
    await look(world)
    assert [system.subject for system in await listed(world)] == [str(client.id)]
    await registry_jobs.begin(world.ctx)
    assert await planned(world) == 1, "a workspace that is known is not looked at again"


async def test_another_workspace_sees_none_of_it(world: World) -> None:
    await check(world)
    await look(world)
    system = (await listed(world))[0]
    other = await world.elsewhere()
    assert (await invoke(other, registry.list_, registry.ListSystems())).items == ()
    for function, command in (
        (registry.get, registry.SystemRef(system_id=system.id)),
        (registry.assess_system, registry.AssessSystem(system_id=system.id)),
    ):
        with pytest.raises(InterlockError) as refused:
            await invoke(other, function, command)  # type: ignore[arg-type] # each with its own command
        assert refused.value.kind is Kind.NOT_FOUND


async def test_an_agent_removed_while_critical_leaves_no_mark_on_verdicts(world: World) -> None:
    await check(world)
    await look(world)
    await _override(world, 95.0)
    async with (await world.fresh()).begin() as unit:
        await registry.note_removed(unit, AGENT, "desk")
    assert (await check(world)).decision is Decision.AUTHORIZED


async def test_owners_are_people_behind_keys_or_unknown(world: World) -> None:
    stranger = Actor(ActorKind.CLIENT, AgentId.new(), "somebody")
    await invoke(
        replace(await world.fresh(), actor=stranger, scopes=ALL_SCOPES),
        checks.check_action,
        checks.CheckAction(tool="crm.read", agent_id="desk"),
    )
    await look(world)
    system = await the(world)
    assert (system.owner_id, system.tools) == (None, ())
