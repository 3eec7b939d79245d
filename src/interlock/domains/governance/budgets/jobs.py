"""Reservations nobody settled are given back soon after they expire."""

from datetime import UTC, datetime, timedelta

from interlock.domains.governance.budgets import holds
from interlock.kit.operations import Nothing
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

SWEEP = "governance.budgets.sweep"
_SPACING = timedelta(minutes=5)


class SweepPlan:
    """Up to when each workspace of this process has a sweep waiting, so that few reservations enqueue one."""

    def __init__(self) -> None:
        self.until: dict[int, datetime] = {}


async def plan_sweep(ctx: Ctx, expires_at: datetime) -> None:
    """Make sure a sweep will run shortly after a reservation expires."""
    plan = ctx.runtime.local(SweepPlan)
    workspace = ctx.workspace_id.int
    if expires_at <= plan.until.get(workspace, datetime.min.replace(tzinfo=UTC)):
        return
    at = expires_at + _SPACING
    await ctx.runtime.jobs.enqueue(ctx, SWEEP, Nothing(), at=at)
    ctx.the_unit().after_commit(lambda: plan.until.__setitem__(workspace, at))


async def sweep(ctx: Ctx, _: Nothing) -> None:
    """Give back what expired reservations of the workspace still hold."""
    async with ctx.begin() as unit_ctx:
        await holds.sweep(unit_ctx)


def register(jobs: Jobs) -> None:
    """Wire the sweep; called once by the composition root."""
    jobs.register(SWEEP, Nothing, sweep)
