"""The system log is operational: every day, what is older than its workspace wants to keep is deleted."""

from dataclasses import replace
from datetime import timedelta

from interlock.domains.activity import repository
from interlock.domains.activity.repository import SystemLog
from interlock.domains.settings import service as settings
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

PURGE = "activity.purge"


async def purge(ctx: Ctx) -> None:
    """Delete the old rows of every workspace."""
    async with ctx.begin(write=False) as reading:
        found = await repository.workspaces_logged(reading)
    for workspace_id in found:
        dropped = repository.BATCH
        while dropped == repository.BATCH:  # in between, others may write
            async with replace(ctx, workspace_id=workspace_id).begin() as unit:
                days = await settings.log_retention_days(unit)
                dropped = await SystemLog(unit).drop_before(ctx.now - timedelta(days=days))


def register(jobs: Jobs) -> None:
    """Wire the purge; called once by the composition root."""
    daily.register(jobs, PURGE, purge)
