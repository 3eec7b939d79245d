"""Deliveries, and the daily end of old notifications."""

from dataclasses import replace
from datetime import timedelta

from interlock.domains.notifications import repository
from interlock.domains.notifications.delivery import DELIVER, DeliverNotification, deliver
from interlock.domains.notifications.repository import Inbox, Notifications
from interlock.domains.settings import service as settings
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

PURGE = "notifications.purge"


async def purge(ctx: Ctx) -> None:
    """Delete the notifications that are older than their workspace keeps its logs."""
    async with ctx.begin(write=False) as reading:
        found = await repository.workspaces_notified(reading)
    for workspace_id in found:
        async with replace(ctx, workspace_id=workspace_id).begin() as unit:
            days = await settings.log_retention_days(unit)
            await Notifications(unit).drop_before(ctx.now - timedelta(days=days))
            await Inbox(unit).drop_before(ctx.now - timedelta(days=days))


def register(jobs: Jobs) -> None:
    """Wire deliveries and purge; called once by the composition root."""
    jobs.register(DELIVER, DeliverNotification, deliver)
    daily.register(jobs, PURGE, purge)
