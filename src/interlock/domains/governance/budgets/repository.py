"""Rows of the budgets: caps and alerts, reservations, and the money ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.governance.budgets.models import budget_reservations, budgets, usage_entries
from interlock.domains.governance.budgets.states import LIFECYCLE, ReservationStatus
from interlock.domains.governance.budgets.views import (
    AlertChannel,
    BudgetAlert,
    BudgetId,
    Caps,
    Reservation,
    ReservationId,
    Usage,
)
from interlock.kit.errors import not_found
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.kept import Kept
from interlock.runtime.repository import insert_if_absent

_SWEEP = 500
_MONTHS_REMEMBERED = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """A workspace's caps, its alerts, and which thresholds fired in which month."""

    caps: Caps
    alerts: tuple[tuple[int, tuple[AlertChannel, ...]], ...] = ()
    fired: Mapping[str, list[int]] = field(default_factory=dict)
    updated_at: datetime | None = None

    def shown_alerts(self, month: str) -> tuple[BudgetAlert, ...]:
        """The alerts with whether each was told in a month."""
        told = self.fired.get(month, [])
        return tuple(
            BudgetAlert(threshold_percent=percent, channels=channels, triggered=percent in told)
            for percent, channels in self.alerts
        )

    def with_fired(self, month: str, percents: Iterable[int]) -> "Plan":
        """The same after alerts were told; only the last months are remembered."""
        fired = {**self.fired, month: sorted({*self.fired.get(month, []), *percents})}
        return replace(self, fired={name: fired[name] for name in sorted(fired)[-_MONTHS_REMEMBERED:]})


_PLAN = select(budgets).where(budgets.c.workspace_id == bindparam("workspace"))


async def plan_of(ctx: Ctx) -> Plan:
    """The workspace's plan; one that never set any has the server's default cap."""
    return await ctx.runtime.local(_known_plans).get(ctx, ctx.workspace_id, _read_plan)


def _known_plans() -> Kept[WorkspaceId, Plan]:
    return Kept(budgets)


async def _read_plan(ctx: Ctx) -> Plan:
    row = (await (await ctx.session()).execute(_PLAN, {"workspace": ctx.workspace_id})).first()
    if row is None:
        return Plan(Caps(monthly_cap=ctx.settings.default_monthly_cap))
    return Plan(
        Caps(monthly_cap=row.monthly_cap, daily_cap=row.daily_cap, per_run_cap=row.per_run_cap),
        tuple(
            (alert["threshold_percent"], tuple(AlertChannel(channel) for channel in alert["channels"]))
            for alert in row.alerts
        ),
        row.fired,
        row.updated_at,
    )


async def keep_plan(ctx: Ctx, plan: Plan) -> None:
    """Store the plan; the caller holds the workspace."""
    values = {
        "monthly_cap": plan.caps.monthly_cap,
        "daily_cap": plan.caps.daily_cap,
        "per_run_cap": plan.caps.per_run_cap,
        "alerts": [{"threshold_percent": percent, "channels": list(channels)} for percent, channels in plan.alerts],
        "fired": dict(plan.fired),
        "updated_at": plan.updated_at or ctx.now,
    }
    new = {"guid": BudgetId.new(), "workspace_id": ctx.workspace_id, **values}
    if not await insert_if_absent(ctx, budgets, new):
        changed = update(budgets).where(budgets.c.workspace_id == ctx.workspace_id).values(**values)
        await (await ctx.session()).execute(changed)


_held = budget_reservations.c
_RESERVE = insert(budget_reservations).inline()
_STATUS_OF = select(_held.status).where(_held.guid == bindparam("key"), _held.workspace_id == bindparam("workspace"))
_CLOSE = (
    update(budget_reservations)
    .where(
        _held.guid == bindparam("key"),
        _held.workspace_id == bindparam("workspace"),
        # Not IN: a list that expands is compiled anew for every call.
        or_(*(_held.status == source for source in LIFECYCLE.sources(ReservationStatus.SETTLED))),
    )
    .values(status=bindparam("target"))
    .returning(budget_reservations)
)
_HELD_BY_RUN = select(_held.guid).where(
    _held.workspace_id == bindparam("workspace"),
    _held.run_id == bindparam("run"),
    _held.status == literal_column("'held'"),  # as below
)
_EXPIRE = (
    update(budget_reservations)
    .where(
        _held.id.in_(
            select(_held.id)
            .where(
                _held.workspace_id == bindparam("workspace"),
                # Written out, because a partial index serves only a condition it can see.
                _held.status == literal_column("'held'"),
                _held.expires_at <= bindparam("now"),
            )
            .limit(_SWEEP)
        )
    )
    .values(status=ReservationStatus.EXPIRED)
    .returning(budget_reservations)
)


async def add_reservation(ctx: Ctx, reservation: Reservation) -> None:
    """Store a new one."""
    row = {
        "guid": reservation.id,
        "workspace_id": ctx.workspace_id,
        "amount": reservation.amount,
        "kind": reservation.kind,
        "run_id": reservation.run_id,
        "agent_id": reservation.agent_id,
        "tool": reservation.tool,
        "status": ReservationStatus.HELD,
        "created_at": ctx.now,
        "expires_at": reservation.expires_at,
    }
    await (await ctx.session()).execute(_RESERVE, row)


async def close_reservation(ctx: Ctx, key: ReservationId, target: ReservationStatus) -> Row[Any] | None:
    """Move a held one to its end and return it; None when it had ended before.

    Raises:
        InterlockError: not_found when this workspace has no such reservation.
    """
    LIFECYCLE.check(ReservationStatus.HELD, target)
    session = await ctx.session()
    mine = {"key": key, "workspace": ctx.workspace_id}
    row = (await session.execute(_CLOSE, {**mine, "target": target})).first()
    if row is None and (await session.execute(_STATUS_OF, mine)).first() is None:
        raise not_found("reservation", key)
    return row


async def held_by_run(ctx: Ctx, run_id: RunId) -> list[ReservationId]:
    """What is set aside for a run right now."""
    rows = await (await ctx.session()).execute(_HELD_BY_RUN, {"workspace": ctx.workspace_id, "run": run_id})
    return list(rows.scalars())


async def expire_reservations(ctx: Ctx) -> list[Row[Any]]:
    """End those held too long, and return them."""
    session = await ctx.session()
    expired: list[Row[Any]] = []
    while True:
        batch = (await session.execute(_EXPIRE, {"workspace": ctx.workspace_id, "now": ctx.now})).all()
        expired.extend(batch)
        if len(batch) < _SWEEP:
            return expired


def _adding_usage(is_postgres: bool) -> Any:
    statement: Any = (postgres_insert if is_postgres else sqlite_insert)(usage_entries)
    return statement.on_conflict_do_nothing().returning(usage_entries.c.id)


_ADD_USAGE = {is_postgres: _adding_usage(is_postgres) for is_postgres in (False, True)}
_PROVIDERS = (
    select(usage_entries.c.provider, func.max(usage_entries.c.at).label("at"))
    .where(
        usage_entries.c.workspace_id == bindparam("workspace"),
        usage_entries.c.at > bindparam("since"),
        usage_entries.c.provider.is_not(None),
    )
    .group_by(usage_entries.c.provider)
)
_USAGE = select(usage_entries).where(
    usage_entries.c.workspace_id == bindparam("workspace"), usage_entries.c.reference == bindparam("key")
)


async def add_usage(ctx: Ctx, usage: Usage) -> bool:
    """Write a line of the money ledger unless its reference has one; tells which."""
    row = {**dict(usage), "guid": usage.id, "workspace_id": ctx.workspace_id}
    del row["id"]
    session = await ctx.session()
    return (await session.execute(_ADD_USAGE[session.is_postgres], row)).first() is not None


async def usage_of(ctx: Ctx, reference: str) -> Usage | None:
    """The line with a reference."""
    session = await ctx.session()
    row = (await session.execute(_USAGE, {"workspace": ctx.workspace_id, "key": reference})).first()
    if row is None:
        return None
    values = dict(row._mapping)
    return Usage.model_validate({**values, "id": values["guid"]})


async def providers_used(ctx: Ctx, since: datetime) -> dict[str, datetime]:
    """When each provider of models was last paid after a moment."""
    parameters = {"workspace": ctx.workspace_id, "since": since}
    rows = (await (await ctx.session()).execute_long(_PROVIDERS, parameters)).all()
    return {row.provider: row.at for row in rows}
