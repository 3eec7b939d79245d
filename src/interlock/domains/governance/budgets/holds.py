"""Setting money aside and giving it back, so that totals and reservations always agree."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from interlock.domains.governance.budgets import counters, repository
from interlock.domains.governance.budgets.counters import Change
from interlock.domains.governance.budgets.states import ReservationStatus
from interlock.domains.governance.budgets.views import Reservation, ReservationId
from interlock.domains.governance.locks import hold_workspace
from interlock.runtime.context import Ctx


async def take(ctx: Ctx, reservation: Reservation) -> None:
    """Set money aside."""
    await repository.add_reservation(ctx, reservation)
    totals = counters.touched(ctx.now, reservation.run_id, reservation.agent_id, reservation.tool)
    await counters.move(ctx, (Change(total, reserved=reservation.amount) for total in totals))


async def end(ctx: Ctx, key: ReservationId, target: ReservationStatus) -> list[Change]:
    """End a reservation once, and tell what that takes out of the totals; nothing when it had ended before."""
    row = await repository.close_reservation(ctx, key, target)
    return [] if row is None else _freed([row])


async def sweep(ctx: Ctx) -> int:
    """End every reservation of the workspace that is past its time; tells how many."""
    await hold_workspace(ctx)
    expired = await repository.expire_reservations(ctx)
    if expired:
        await counters.move(ctx, _freed(expired))
    return len(expired)


def _freed(rows: Iterable[Row[Any]]) -> list[Change]:
    """Out of the month and day in which each was set aside, whatever the date is now."""
    return [
        Change(total, reserved=-row.amount)
        for row in rows
        for total in counters.touched(row.created_at, row.run_id, row.agent_id, row.tool)
    ]
