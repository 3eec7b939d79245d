"""The registry fills itself: from the ledgers, from the domains that own systems, and anew every night."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from interlock.domains.accounts.service import keys
from interlock.domains.accounts.views import ApiKeyId
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.known_tools import known_tools
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.registry import repository
from interlock.domains.governance.registry.activity import Activity, fold
from interlock.domains.governance.registry.repository import AiSystems
from interlock.domains.governance.registry.service import NoteSystem, Sources, note
from interlock.domains.governance.registry.standing import CATCH_UP
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import AiSystem
from interlock.domains.governance.registry.weighing import rules_of, weigh
from interlock.domains.org import service as org
from interlock.domains.settings.events import RiskSettingsChanged
from interlock.kit.operations import Nothing
from interlock.runtime import daily
from interlock.runtime.context import ActorKind, Ctx, UserId
from interlock.runtime.jobs import Jobs

NIGHTLY = "registry.nightly"
_REWEIGH = "registry.reweigh"
_BATCH = 250
_WEIGHED_AT_ONCE = 20
_MOST_TOOLS = 200
_MOST_TAGS = 50
_OVERLAP = timedelta(minutes=1)
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


async def catch_up(ctx: Ctx, _command: Nothing) -> None:
    """Read what the ledgers of a workspace hold beyond the mark into the registry; safe to repeat and to race."""
    async with ctx.begin(write=False) as reading:
        is_new = await repository.mark(reading) is None
    if is_new:
        await ask_sources(ctx)
    while await _read_on(ctx):
        pass


async def ask_sources(ctx: Ctx) -> None:
    """Note every system that the domains above can name: what was there before the registry, or slipped past it."""
    for source in ctx.runtime.local(Sources).all:
        for system in await source(ctx):
            async with ctx.begin() as unit:
                await note(unit, system)


async def _read_on(ctx: Ctx) -> bool:
    """Count one batch of evidence; tells whether there may be more."""
    async with ctx.begin(write=False) as reading:
        place = await repository.mark(reading) or (0, _EVER)
        entries = await ledger.after(reading, place[0], _BATCH)
        used = await budgets.providers_used(reading, place[1] - _OVERLAP)
    # Outside of any transaction: nobody waits while it is worked out.
    found = fold(entries, known_tools(ctx.runtime), ctx.workspace_id)
    async with ctx.begin() as unit:
        await repository.hold(unit)
        if (await repository.mark(unit) or (0, _EVER)) != place:
            return True  # another server was faster; go on from where it stopped
        for (kind, subject), activity in sorted(found.items(), key=itemgetter(0)):
            await _count(unit, kind, subject, activity)
        for provider, at in used.items():
            await _provider_used(unit, provider, at)
        sequence = entries[-1].sequence if entries else place[0]
        await repository.move_mark(unit, sequence, max(used.values(), default=place[1]))
    return len(entries) == _BATCH


async def _count(ctx: Ctx, kind: SystemKind, subject: str, activity: Activity) -> None:
    """Add a batch's activity to a system; one that is new, or touches something new, is weighed again."""
    systems = AiSystems(ctx)
    system = await systems.of_subject(kind, subject)
    is_new = system is None
    if system is None:
        owner = await _owner(ctx, activity)
        system = await note(ctx, NoteSystem(kind, subject, activity.name or subject, owner, tools=_scope(activity)))
    observed = {
        "tools": sorted({*system.observed.tools, *sorted(activity.tools)[:_MOST_TOOLS]})[:_MOST_TOOLS],
        "data": sorted({*system.observed.data, *activity.data}),
        "tags": sorted({*system.observed.tags, *activity.tags})[:_MOST_TAGS],
    }
    grown = observed != system.observed.model_dump(mode="json")
    values = {"observed": observed, "active_at": max(activity.last, system.active_at or activity.last)}
    if activity.labelled and system.removed_at is not None and activity.last > system.removed_at:
        values["removed_at"] = None
    system = await systems.change(system.id, values)
    for day, counts in activity.days.items():
        await repository.count(ctx, system.id, day, counts)
    if is_new or grown:
        await weigh(ctx, system)


def _scope(activity: Activity) -> tuple[str, ...] | None:
    """A caller that only labels itself is held by no scope; one with an id of its own was never declared to us."""
    return None if activity.caller_kind in (ActorKind.KEY, ActorKind.USER) else ()


async def _owner(ctx: Ctx, activity: Activity) -> UserId | None:
    """The person behind the credential that a new system first called with."""
    if activity.caller_id is None:
        return None
    if activity.caller_kind is ActorKind.KEY:
        return await keys.owner_of(ctx, ApiKeyId.parse(activity.caller_id))
    return UserId.parse(activity.caller_id) if activity.caller_kind is ActorKind.USER else None


async def _provider_used(ctx: Ctx, name: str, at: datetime) -> None:
    systems = AiSystems(ctx)
    system = await systems.of_subject(SystemKind.LLM_PROVIDER, name)
    if system is None:
        system = await note(ctx, NoteSystem(SystemKind.LLM_PROVIDER, name, name))
    if system.active_at is None or system.active_at < at:
        await systems.change(system.id, {"active_at": at})


async def reweigh(ctx: Ctx, _event: Any = None) -> None:
    """Weigh every system of a workspace again, a few at a time."""
    number = 0
    while True:
        async with ctx.begin() as unit:
            await repository.hold(unit)
            rules = await rules_of(unit)
            some: list[AiSystem] = await AiSystems(unit).after(number, _WEIGHED_AT_ONCE)
            for system in some:
                await weigh(unit, system, rules)
        if len(some) < _WEIGHED_AT_ONCE:
            return
        number = some[-1].number


async def nightly(ctx: Ctx) -> None:
    """Bring the registry of every workspace up to date, and weigh all systems by what they did in the last week."""
    async with ctx.begin(write=False) as reading:
        found = await org.every_workspace(reading)
    for workspace_id in found:
        inside = replace(ctx, workspace_id=workspace_id)
        await ask_sources(inside)
        await catch_up(inside, Nothing())
        await reweigh(inside)


async def begin(ctx: Ctx) -> None:
    """At a start, plan the first look at every workspace that the registry has not met."""
    async with ctx.begin() as unit:
        for workspace_id in await org.every_workspace(unit):
            inside = replace(unit, workspace_id=workspace_id)
            if await repository.mark(inside) is None:
                await ctx.runtime.jobs.enqueue(inside, CATCH_UP, Nothing())


def register(jobs: Jobs) -> None:
    """Wire the registry's work; called once by the composition root."""
    jobs.register(CATCH_UP, Nothing, catch_up)
    jobs.subscribe(RiskSettingsChanged, _REWEIGH, reweigh)
    daily.register(jobs, NIGHTLY, nightly)
