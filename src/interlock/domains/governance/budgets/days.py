"""What each UTC day cost, by model, tool, owner and caller: one statement per cost, so that nothing reads all costs."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.governance.budgets.counters import day_of
from interlock.domains.governance.budgets.models import SPEND_KEY, spend_days
from interlock.domains.governance.budgets.views import (
    Amount,
    DaySpend,
    OwnerKind,
    Slice,
    SpentBy,
    Usage,
    UsageKind,
)
from interlock.kit.ids import AgentId, TypedId
from interlock.kit.money import ZERO
from interlock.runtime.context import ActorKind, Ctx

_columns = spend_days.c
_LABELS = ("owner_label", "caller_label")
_SUMS = ("cost", "attributed", "calls", "unknown", "input_tokens", "output_tokens", "cached_tokens")
_OWNERS = {ActorKind.AGENT: OwnerKind.AGENT, ActorKind.WORKFLOW: OwnerKind.WORKFLOW}
_LABEL_LENGTH = 200
_DAY_LENGTH = len("2026-08-31")


def _adding(is_postgres: bool) -> Any:
    statement: Any = (postgres_insert if is_postgres else sqlite_insert)(spend_days)
    new = statement.excluded
    changed = {name: _columns[name] + new[name] for name in _SUMS} | {name: new[name] for name in _LABELS}
    return statement.on_conflict_do_update(index_elements=list(SPEND_KEY), set_=changed)


_ADD = {is_postgres: _adding(is_postgres) for is_postgres in (False, True)}


async def add(ctx: Ctx, usage: Usage, spent_by: SpentBy | None, agent_name: str | None) -> None:
    """Count a fresh line of the money ledger in its day."""
    by = spent_by or SpentBy(kind=ctx.actor.kind, id=ctx.actor.id, label=ctx.actor.label)
    owner_kind, owner_label = OwnerKind.NONE, ""
    if usage.agent_id is not None:
        owner_kind = OwnerKind.NAME if agent_name is not None else _OWNERS.get(by.kind, OwnerKind.AGENT)
        owner_label = agent_name or (by.label if by.kind in _OWNERS else "")
    row = {
        "day": day_of(usage.at),
        "kind": usage.kind,
        "model": usage.model or "",
        "provider": usage.provider or "",
        "tool": usage.tool or "",
        "owner_kind": owner_kind,
        "owner": "" if usage.agent_id is None else usage.agent_id.hex,
        "owner_label": owner_label,
        "caller_kind": by.kind.value,
        "caller": "" if by.id is None else str(by.id),
        "caller_label": by.label,
        "cost": usage.cost or ZERO,
        "attributed": ZERO,
        "calls": 1,
        "unknown": int(usage.cost is None),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
    }
    await _put(ctx, row)


async def attribute(ctx: Ctx, spender: AgentId, name: str, cost: Decimal) -> None:
    """Note what others have spent on a workflow's behalf today."""
    row = {
        **dict.fromkeys(("model", "provider", "tool", "caller_kind", "caller", "caller_label"), ""),
        **dict.fromkeys(("calls", "unknown", "input_tokens", "output_tokens", "cached_tokens"), 0),
        "day": day_of(ctx.now),
        "kind": UsageKind.MODEL,
        "owner_kind": OwnerKind.WORKFLOW,
        "owner": spender.hex,
        "owner_label": name,
        "cost": ZERO,
        "attributed": cost,
    }
    await _put(ctx, row)


async def _put(ctx: Ctx, row: dict[str, Any]) -> None:
    session = await ctx.session()
    cut = {name: row[name][:_LABEL_LENGTH] for name in _LABELS}
    await session.execute(_ADD[session.is_postgres], {"workspace_id": ctx.workspace_id, **row, **cut})


_totals = [func.sum(_columns[name]).label(name) for name in _SUMS]
# The day in front makes the greatest label the latest one.
_latest = [func.max(_columns.day.concat(_columns[name])).label(name) for name in _LABELS]
_stretch = (
    _columns.workspace_id == bindparam("workspace"),
    _columns.day >= bindparam("first"),
    _columns.day <= bindparam("last"),
)
_BY_DAY = select(_columns.day, *_totals).where(*_stretch).group_by(_columns.day).order_by(_columns.day)
_what = [_columns[name] for name in SPEND_KEY[2:]]
_BY_WHAT = select(*_what, *_totals, *_latest).where(*_stretch).group_by(*_what)


_FIRST = select(func.min(_columns.day)).where(_columns.workspace_id == bindparam("workspace"))


async def by_day(ctx: Ctx, first: date, last: date) -> tuple[DaySpend, ...]:
    """What each day of a stretch cost; days without a cost are left out."""
    rows = (await (await ctx.session()).execute_long(_BY_DAY, _stretch_of(ctx, first, last))).all()
    return tuple(DaySpend(day=date.fromisoformat(row.day), amount=_amount(row)) for row in rows if row.calls)


async def by_what(ctx: Ctx, first: date, last: date) -> tuple[Slice, ...]:
    """What each combination of model, tool, owner and caller cost within a stretch of days."""
    rows = (await (await ctx.session()).execute_long(_BY_WHAT, _stretch_of(ctx, first, last))).all()
    return tuple(_slice(row) for row in rows)


async def first_day(ctx: Ctx) -> date | None:
    """The first day on which anything was spent."""
    found = (await (await ctx.session()).execute(_FIRST, {"workspace": ctx.workspace_id})).scalar_one()
    return None if found is None else date.fromisoformat(found)


def _stretch_of(ctx: Ctx, first: date, last: date) -> dict[str, Any]:
    return {"workspace": ctx.workspace_id, "first": first.isoformat(), "last": last.isoformat()}


def _amount(row: Row[Any]) -> Amount:
    # PostgreSQL sums BIGINT into NUMERIC, hence the int().
    counted = {name: int(getattr(row, name)) for name in Amount.model_fields if name != "cost"}
    return Amount(cost=row.cost, **counted)


def _slice(row: Row[Any]) -> Slice:
    return Slice(
        kind=row.kind,
        model=row.model,
        provider=row.provider,
        tool=row.tool,
        owner_kind=row.owner_kind,
        owner=TypedId(row.owner) if row.owner else None,
        owner_label=row.owner_label[_DAY_LENGTH:],
        caller_kind=ActorKind(row.caller_kind) if row.caller_kind else None,
        caller=row.caller,
        caller_label=row.caller_label[_DAY_LENGTH:],
        amount=_amount(row),
        attributed=row.attributed,
    )
