"""Weighing a system: its signals from what is declared and what was observed, its scores, and who must know."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row

from interlock.domains.governance.known_tools import known_tools
from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.registry import repository
from interlock.domains.governance.registry.repository import COUNTS, AiSystems
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import AiSystem, Footprint, Period
from interlock.domains.governance.risk.scoring import assess, breadth_of, data_in
from interlock.domains.governance.risk.views import Assessment, DataClass, Dimension, RiskRules, Signals
from interlock.domains.org import service as org
from interlock.domains.settings import service as settings
from interlock.runtime.context import Ctx

_LONGEST = Period.QUARTER


async def rules_of(ctx: Ctx) -> RiskRules:
    """The workspace's weights and threshold."""
    chosen = await settings.risk(ctx)
    return RiskRules(chosen.threshold, {dimension: chosen.weights[dimension.value] for dimension in Dimension})


async def footprints(ctx: Ctx, system: AiSystem) -> dict[Period, Footprint]:
    """How many calls got which verdict in each period; a period of n days is today and the n - 1 before."""
    today = ctx.now.date()
    rows = await repository.days_of(ctx, system.id, _first_day(today, _LONGEST))
    return {period: _sum(row for row in rows if row.day >= _first_day(today, period)) for period in Period}


def _first_day(today: date, period: Period) -> str:
    return (today - timedelta(days=int(period) - 1)).isoformat()


def _sum(rows: Iterable[Row[Any]]) -> Footprint:
    rows = tuple(rows)
    return Footprint(**{name: sum(getattr(row, name) for row in rows) for name in COUNTS})


async def weighed(ctx: Ctx, system: AiSystem, rules: RiskRules, week: Footprint) -> Assessment:
    """What a system scores now."""
    return assess(signals_of(ctx, system, week.unsupervised), rules, system.overrides)


def signals_of(ctx: Ctx, system: AiSystem, unsupervised: int) -> Signals:
    """What is known of a system, as far as it bears on risk."""
    touched = (*(system.tools or ()), *system.observed.tools)
    named = (system.subject,) if system.kind is SystemKind.ADAPTER else ()
    return Signals(
        breadth=breadth_of(system.tools, system.resources),
        reach=known_tools(ctx.runtime).riskiest(touched, ctx.workspace_id) if touched else RiskLevel.LOW,
        data=frozenset[DataClass]({*system.data, *system.observed.data, *data_in((*touched, *named))}),
        unsupervised=unsupervised,
        tags=frozenset({*system.tags, *system.observed.tags}),
    )


async def weigh(ctx: Ctx, system: AiSystem, rules: RiskRules | None = None) -> AiSystem:
    """Compute a system's scores anew and keep them; verdicts obey a changed level from the next request on."""
    rules = rules or await rules_of(ctx)
    since = _first_day(ctx.now.date(), Period.WEEK)
    week = _sum(await repository.days_of(ctx, system.id, since))
    told = await weighed(ctx, system, rules, week)
    values: Mapping[str, Any] = {
        "score": told.score,
        "level": told.level,
        "flagged": told.flagged,
        "assessed_at": ctx.now,
        "updated_at": ctx.now,
    }
    after = await AiSystems(ctx).change(system.id, values)
    if after.level is not system.level and (_bears_on_verdicts(after) or _bears_on_verdicts(system)):
        await org.rules_changed(ctx)
    return after


def _bears_on_verdicts(system: AiSystem) -> bool:
    return system.level.rank >= RiskLevel.HIGH.rank
