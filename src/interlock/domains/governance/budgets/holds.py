"""Setting money aside and giving it back, so that totals and reservations always agree."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from interlock.domains.governance.budgets import counters, repository
from interlock.domains.governance.budgets.counters import Change, Total
from interlock.domains.governance.budgets.states import ReservationStatus
from interlock.domains.governance.budgets.views import Reservation, ReservationId
from interlock.domains.governance.locks import hold_workspace
from interlock.kit.money import ZERO
from interlock.runtime.context import Ctx


async def take(ctx: Ctx, reservation: Reservation) -> None:
    """Set money aside."""
    await repository.add_reservation(ctx, reservation)
    if reservation.amount:
        totals = counters.touched(ctx.now, reservation.run_id, reservation.agent_id, reservation.tool)
        await counters.add(ctx, (Change(total, reserved=reservation.amount) for total in totals))


async def end(ctx: Ctx, key: ReservationId, target: ReservationStatus) -> bool:
    """End a reservation once; False when it had ended before, and nothing changed."""
    row = await repository.close_reservation(ctx, key, target)
    if row is None:
        return False
    await _give_back(ctx, [row])
    return True


async def sweep(ctx: Ctx) -> int:
    """End every reservation of the workspace that is past its time; tells how many."""
    await hold_workspace(ctx)
    expired = await repository.expire_reservations(ctx)
    await _give_back(ctx, expired)
    return len(expired)


async def _give_back(ctx: Ctx, rows: Iterable[Row[Any]]) -> None:
    """Out of the month and day in which each was set aside, whatever the date is now."""
    sums: dict[Total, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        for total in counters.touched(row.created_at, row.run_id, row.agent_id, row.tool):
            sums[total] += row.amount
    await counters.give_back(ctx, ((total, amount) for total, amount in sums.items() if amount))
