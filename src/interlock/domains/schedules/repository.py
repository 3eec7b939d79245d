"""Rows of the schedules domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, select, update

from interlock.domains.schedules.models import schedule_firings, schedules
from interlock.domains.schedules.states import ScheduleStatus
from interlock.domains.schedules.views import Firing, FiringId, Schedule, ScheduleId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.jobs import JobId, JobState, job_rows
from interlock.runtime.repository import Repository, insert_if_absent

PAGE = 500
_columns, _firings = schedules.c, schedule_firings.c
_MINE = (_columns.guid == bindparam("key"), _columns.workspace_id == bindparam("workspace"))
_JOB = select(_columns.job_id).where(*_MINE)
_CLAIM = (
    update(schedules)
    .where(*_MINE, _columns.next_fire_at == bindparam("due"), _columns.status == ScheduleStatus.ACTIVE)
    .values(
        status=bindparam("to_status"),
        end_reason=bindparam("to_end_reason"),
        next_fire_at=bindparam("to_next_fire_at"),
        job_id=bindparam("to_job_id"),
        firings=_columns.firings + bindparam("more_firings"),
        failures=bindparam("to_failures"),
        last_fired_at=bindparam("to_last_fired_at"),
        last_run_id=bindparam("to_last_run_id"),
    )
)
# Ordered, so that one pass in pages sees each of them once.
_ACTIVE = (
    select(_columns.id, _columns.guid, _columns.workspace_id)
    .where(_columns.id > bindparam("after"), _columns.status == ScheduleStatus.ACTIVE)
    .order_by(_columns.id)
    .limit(PAGE)
)
_LOST = (
    select(_columns.guid, _columns.workspace_id)
    .where(
        _columns.next_fire_at <= bindparam("before"),
        ~exists().where(job_rows.c.guid == _columns.job_id, job_rows.c.state == JobState.WAITING),
    )
    .order_by(_columns.next_fire_at)
    .limit(PAGE)
)
_DUE_BY = (
    select(schedules)
    .where(
        _columns.workspace_id == bindparam("workspace"),
        _columns.status == ScheduleStatus.ACTIVE,
        _columns.next_fire_at <= bindparam("until"),
    )
    .order_by(_columns.next_fire_at)
    .limit(bindparam("most"))
)
_WORKSPACES = select(_columns.workspace_id).distinct()
_FORGET = delete(schedule_firings).where(
    _firings.schedule_id == bindparam("schedule"), _firings.workspace_id == bindparam("workspace")
)


class Schedules(Repository[Schedule]):
    """Schedules of a workspace, newest first."""

    table = schedules
    view = Schedule
    thing = "schedule"
    listing = ListSpec(filters=frozenset({"status", "workflow_id", "agent_id"}))

    async def job_of(self, key: ScheduleId) -> JobId | None:
        """The job that waits for a schedule's next due moment."""
        session = await self.ctx.session()
        job: JobId | None = (await session.execute(_JOB, {"key": key, "workspace": self.ctx.workspace_id})).scalar()
        return job

    async def due_by(self, moment: datetime, most: int) -> list[Schedule]:
        """Active schedules whose next due moment is no later than this, the soonest first."""
        parameters = {"workspace": self.ctx.workspace_id, "until": moment, "most": most}
        rows = (await (await self.ctx.session()).execute_long(_DUE_BY, parameters)).all()
        return [self.to_view(row) for row in rows]

    async def claim(self, seen: Schedule, due_at: datetime, **values: Any) -> bool:
        """Move on from a due moment, as a compare-and-set; False when somebody else has, or it is due no more."""
        parameters = {
            "key": seen.id,
            "workspace": self.ctx.workspace_id,
            "due": due_at,
            "more_firings": values.pop("more_firings"),
            **{f"to_{name}": value for name, value in values.items()},
        }
        return (await (await self.ctx.session()).execute(_CLAIM, parameters)).rowcount == 1


class Firings(Repository[Firing]):
    """What became of due moments, newest first."""

    table = schedule_firings
    view = Firing
    thing = "firing"
    listing = ListSpec(filters=frozenset({"schedule_id", "status"}))

    async def put(self, key: FiringId, **values: Any) -> bool:
        """Record a due moment; False when it is on record."""
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, **values}
        return await insert_if_absent(self.ctx, schedule_firings, row)

    async def forget(self, schedule_id: ScheduleId) -> None:
        """Delete a schedule's whole history."""
        session = await self.ctx.session()
        await session.execute_long(_FORGET, {"schedule": schedule_id, "workspace": self.ctx.workspace_id})

    async def drop_before(self, moment: datetime) -> int:
        """Delete the workspace's firings from before a moment; tells how many."""
        old = delete(schedule_firings).where(_firings.workspace_id == self.ctx.workspace_id, _firings.fired_at < moment)
        return (await (await self.ctx.session()).execute_long(old)).rowcount


async def active_after(ctx: Ctx, number: int) -> Sequence[Row[Any]]:
    """A page of active schedules of all workspaces, by their numbers."""
    return (await (await ctx.session()).execute_long(_ACTIVE, {"after": number})).all()


async def lost_before(ctx: Ctx, moment: datetime) -> Sequence[Row[Any]]:
    """Schedules of all workspaces that were due before a moment and for which no job waits."""
    return (await (await ctx.session()).execute_long(_LOST, {"before": moment})).all()


async def workspaces_scheduled(ctx: Ctx) -> list[WorkspaceId]:
    """Every workspace that has a schedule."""
    return list((await (await ctx.session()).execute_long(_WORKSPACES)).scalars())
