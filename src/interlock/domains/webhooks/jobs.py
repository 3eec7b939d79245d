"""The daily end of old deliveries, received calls and receipts."""

from dataclasses import replace
from datetime import timedelta

from interlock.domains.settings import service as settings
from interlock.domains.webhooks import repository
from interlock.domains.webhooks.repository import Deliveries, HookCalls
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

PURGE = "webhooks.purge"
_BATCH = 1_000
_LONGEST_WINDOW = timedelta(days=7)


async def purge(ctx: Ctx) -> None:
    """Delete what is older than its workspace keeps its logs, and receipts that guard nothing any more.

    Of deliveries, only settled ones go.
    """
    async with ctx.begin(write=False) as reading:
        found = await repository.workspaces_with_logs(reading)
    for workspace_id in found:
        mine = replace(ctx, workspace_id=workspace_id)
        async with mine.begin(write=False) as reading:
            before = ctx.now - timedelta(days=await settings.log_retention_days(reading))
        for table in (Deliveries, HookCalls):
            dropped = _BATCH
            while dropped == _BATCH:  # in between, others may write
                async with mine.begin() as unit:
                    dropped = await table(unit).drop_before(before, _BATCH)
    dropped = _BATCH
    while dropped == _BATCH:
        async with ctx.begin() as unit:
            dropped = await repository.drop_receipts(unit, ctx.now - _LONGEST_WINDOW, _BATCH)


def register(jobs: Jobs) -> None:
    """Wire the purge; called once by the composition root."""
    daily.register(jobs, PURGE, purge)
