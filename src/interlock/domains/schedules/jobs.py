"""Serving due moments, finding those that lost their job, and the daily end of old firings."""

from dataclasses import replace
from datetime import datetime, timedelta

from interlock.domains.schedules import planning
from interlock.domains.schedules.firing import FIRE, FireSchedule, fire, wait_for
from interlock.domains.schedules.repository import (
    Firings,
    Schedules,
    active_after,
    lost_before,
    workspaces_scheduled,
)
from interlock.domains.schedules.states import ScheduleStatus
from interlock.domains.schedules.views import Schedule
from interlock.domains.settings import service as settings
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

TIDY = "schedules.tidy"
_LOST_AFTER = timedelta(minutes=10)


async def tidy(ctx: Ctx) -> None:
    """Every day: what lost its job, what a clock that ran ahead has put off, and history past its time."""
    await recover(ctx)
    await _after_a_wrong_clock(ctx)
    async with ctx.begin(write=False) as reading:
        found = await workspaces_scheduled(reading)
    for workspace_id in found:
        async with replace(ctx, workspace_id=workspace_id).begin() as unit:
            days = await settings.log_retention_days(unit)
            await Firings(unit).drop_before(ctx.now - timedelta(days=days))


async def recover(ctx: Ctx) -> None:
    """Give every overdue schedule for which no job waits another one; also at every start."""
    async with ctx.begin(write=False) as reading:
        lost = await lost_before(reading, ctx.now - _LOST_AFTER)
    for row in lost:
        async with replace(ctx, workspace_id=row.workspace_id).begin() as unit:
            schedule = await Schedules(unit).find(row.guid)
            if schedule is not None and schedule.status is ScheduleStatus.ACTIVE:
                await put_off(unit, schedule, schedule.next_fire_at)


async def put_off(ctx: Ctx, schedule: Schedule, due_at: datetime | None) -> None:
    """Have an active schedule wait for another moment than the one it waits for now."""
    job_id = await wait_for(ctx, schedule.id, due_at)
    await Schedules(ctx).change(schedule.id, {"next_fire_at": due_at, "job_id": job_id})


async def _after_a_wrong_clock(ctx: Ctx) -> None:
    """A schedule waits for the very next due moment; one that waits for a later one saw a clock that ran ahead."""
    number = 0
    while True:
        async with ctx.begin(write=False) as reading:
            rows = await active_after(reading, number)
        for row in rows:
            number = row.id
            async with replace(ctx, workspace_id=row.workspace_id).begin() as unit:
                schedule = await Schedules(unit).find(row.guid)
                if schedule is None or schedule.next_fire_at is None:
                    continue
                wanted = planning.plan_of(schedule, ctx.now).next_fire_at
                if wanted is not None and wanted < schedule.next_fire_at:
                    await put_off(unit, schedule, wanted)
        if not rows:
            return


def register(jobs: Jobs) -> None:
    """Wire firings and tidying; called once by the composition root."""
    jobs.register(FIRE, FireSchedule, fire)
    daily.register(jobs, TIDY, tidy)
