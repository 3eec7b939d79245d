"""The daily end of old deliveries and receipts."""

from dataclasses import replace
from datetime import timedelta

from interlock.domains.settings import service as settings
from interlock.domains.webhooks import repository
from interlock.domains.webhooks.repository import Deliveries
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

PURGE = "webhooks.purge"
_BATCH = 1_000
_LONGEST_WINDOW = timedelta(days=7)


async def purge(ctx: Ctx) -> None:
    """Delete settled deliveries older than their workspace keeps its logs, and receipts that guard nothing any more."""
    async with ctx.begin(write=False) as reading:
        found = await repository.workspaces_told(reading)
    for workspace_id in found:
        mine = replace(ctx, workspace_id=workspace_id)
        async with mine.begin(write=False) as reading:
            before = ctx.now - timedelta(days=await settings.log_retention_days(reading))
        dropped = _BATCH
        while dropped == _BATCH:  # in between, others may write
            async with mine.begin() as unit:
                dropped = await Deliveries(unit).drop_before(before, _BATCH)
    dropped = _BATCH
    while dropped == _BATCH:
        async with ctx.begin() as unit:
            dropped = await repository.drop_receipts(unit, ctx.now - _LONGEST_WINDOW, _BATCH)


def register(jobs: Jobs) -> None:
    """Wire the purge; called once by the composition root."""
    daily.register(jobs, PURGE, purge)
