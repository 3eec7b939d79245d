"""The clerk: a gate nobody decided expires when its time has run out."""

from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel

from interlock.domains.governance.approvals import repository
from interlock.domains.governance.approvals.settling import expire
from interlock.domains.governance.approvals.views import ApprovalId
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

EXPIRE = "governance.approvals.expire"


class ExpireApproval(BaseModel):
    """Which gate."""

    approval_id: ApprovalId


async def plan_expiry(ctx: Ctx, approval_id: ApprovalId, at: datetime) -> None:
    """Have the clerk come by when a gate's time runs out."""
    await ctx.runtime.jobs.enqueue(ctx, EXPIRE, ExpireApproval(approval_id=approval_id), at=at)


async def expire_one(ctx: Ctx, payload: ExpireApproval) -> None:
    """Expire a gate that is still undecided."""
    async with ctx.begin() as unit_ctx:
        await expire(unit_ctx, payload.approval_id)


async def expire_overdue(ctx: Ctx) -> int:
    """Expire every overdue gate of every workspace, part of a start; tells how many there were.

    Args:
        ctx: the system's context, without a unit of work.
    """
    async with ctx.begin(write=False) as reading:
        found = await repository.overdue(reading, ctx.now)
    expired = 0
    for workspace_id, approval_id in found:
        async with replace(ctx, workspace_id=workspace_id).begin() as unit_ctx:
            expired += await expire(unit_ctx, approval_id)
    return expired


def register(jobs: Jobs) -> None:
    """Wire the clerk; called once by the composition root."""
    jobs.register(EXPIRE, ExpireApproval, expire_one)
