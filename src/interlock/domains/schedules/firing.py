"""A due moment: claimed, launched, recorded and followed by the next, in one unit of work, so that it happens once.

The firing's row (unique by schedule and due moment) and the schedule's compare-and-set stand in the same transaction as
the run's start. Whoever dies before its commit has done nothing, and the job brings the moment back; whoever comes
second, on this server or another, finds it on record. A refused start is undone and recorded in a second unit.
"""

import contextlib
from dataclasses import replace
from datetime import datetime

import structlog
from pydantic import BaseModel

from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from interlock.domains.schedules import planning
from interlock.domains.schedules.events import ScheduleFailed, ScheduleFailing, ScheduleFired
from interlock.domains.schedules.launching import is_busy, launch
from interlock.domains.schedules.planning import Due
from interlock.domains.schedules.repository import Firings, Schedules
from interlock.domains.schedules.states import FiringStatus, Overlap, ScheduleStatus, SkipReason
from interlock.domains.schedules.views import Firing, FiringId, Schedule, ScheduleId
from interlock.kit.errors import InterlockError, conflict
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx
from interlock.runtime.database import is_database_trouble
from interlock.runtime.jobs import JobId

log = structlog.get_logger(__name__)

FIRE = "schedules.fire"
FAILING = 3
"""After so many refusals in a row, people are told."""
_LONGEST_ERROR = 2_000
_WHY = {
    SkipReason.OVERLAP: "The run that was started before is unfinished.",
    SkipReason.MISSED: "The server was not at work when this was due, and the schedule does not catch up.",
    SkipReason.EXPIRED: "The server was not at work when this was due, and the schedule has expired since.",
}


class FireSchedule(BaseModel):
    """Which due moment of which schedule: a job for one that is due no more does nothing."""

    schedule_id: ScheduleId
    due_at: datetime


class _SupersededError(Exception):
    """Somebody else has moved the schedule on: what this unit of work did is undone."""


class _OnRecordError(Exception):
    """This moment was served before the clock was put back: what this unit of work did is undone."""


async def fire(ctx: Ctx, payload: FireSchedule) -> None:
    """Serve a due moment."""
    refusal: tuple[str, str] | None = None
    try:
        async with ctx.begin() as unit:
            await _serve(unit, payload)
        return
    except _SupersededError:
        return
    except _OnRecordError:
        pass
    except Exception as error:
        if is_database_trouble(error):
            raise
        refusal = _words_for(error)
        foreseen = isinstance(error, InterlockError)
        log.warning(
            "a schedule could not start its run",
            schedule=str(payload.schedule_id),
            code=refusal[0],
            exc_info=None if foreseen else error,
        )
    with contextlib.suppress(_SupersededError):
        async with ctx.begin() as unit:
            await _pass_over(unit, payload, refusal)


async def fire_by_hand(ctx: Ctx, schedule: Schedule) -> Firing:
    """Start the run now, beside the schedule's own rhythm.

    Raises:
        InterlockError: conflict while the earlier run is unfinished and may not overlap; or the start was refused.
    """
    if schedule.overlap is Overlap.SKIP and await is_busy(ctx, schedule):
        raise conflict(
            f"The run that schedule '{schedule.name}' started before is unfinished.",
            code="schedule_busy",
            hint="Wait for it, cancel it, or set 'overlap' to allow.",
            run_id=str(schedule.last_run_id),
        )
    run_id = await launch(ctx, schedule)
    firing = await Firings(ctx).add(
        FiringId.new(),
        schedule_id=schedule.id,
        due_at=ctx.now,
        fired_at=ctx.now,
        status=FiringStatus.FIRED,
        missed=0,
        by_hand=True,
        run_id=run_id,
        code=None,
        error=None,
    )
    await Schedules(ctx).change(schedule.id, {"last_fired_at": ctx.now, "last_run_id": run_id, "failures": 0})
    await ctx.emit(_fired(schedule, firing.id, run_id, firing.due_at, 0))
    return firing


async def wait_for(ctx: Ctx, schedule_id: ScheduleId, due_at: datetime | None) -> JobId | None:
    """Have the next due moment served when it comes; None where there is none."""
    if due_at is None:
        return None
    job = FireSchedule(schedule_id=schedule_id, due_at=due_at)
    return await ctx.runtime.jobs.enqueue(ctx, FIRE, job, at=due_at)


async def _serve(ctx: Ctx, payload: FireSchedule) -> None:
    schedule = await _due(ctx, payload)
    if schedule is None:
        return
    due = planning.judge(schedule, payload.due_at, ctx.now)
    if due.skip is None and schedule.overlap is Overlap.SKIP and await is_busy(ctx, schedule):
        due = Due(FiringStatus.SKIPPED, SkipReason.OVERLAP, due.missed, due.since)
    if due.skip is not None:
        await _record(ctx, schedule, payload, due, code=due.skip.value, error=_WHY[due.skip])
        await _move_on(ctx, schedule, payload, due.since)
        return
    run_id = await launch(ctx, schedule)
    key = await _record(ctx, schedule, payload, due, run_id=run_id)
    await _move_on(ctx, schedule, payload, due.since, run_id=run_id)
    await ctx.emit(_fired(schedule, key, run_id, payload.due_at, due.missed))


async def _pass_over(ctx: Ctx, payload: FireSchedule, refusal: tuple[str, str] | None) -> None:
    """Go on to the next due moment: this one is on record, or is recorded now as refused."""
    schedule = await _due(ctx, payload)
    if schedule is None:
        return
    if refusal is None:
        await _move_on(ctx, schedule, payload, max(payload.due_at, ctx.now))
        return
    code, error = refusal
    due = replace(planning.judge(schedule, payload.due_at, ctx.now), status=FiringStatus.FAILED)
    key = await _record(ctx, schedule, payload, due, code=code, error=error)
    failures = schedule.failures + 1
    await _move_on(ctx, schedule, payload, due.since, failures=failures)
    failed = ScheduleFailed(
        schedule_id=schedule.id,
        schedule_name=schedule.name,
        firing_id=key,
        due_at=payload.due_at,
        code=code,
        error=error,
    )
    await ctx.emit(failed)
    if failures == FAILING:
        await ctx.emit(
            ScheduleFailing(
                schedule_id=schedule.id, schedule_name=schedule.name, failures=failures, code=code, error=error
            )
        )
        await notify(ctx, _alarm(schedule, error))


async def _due(ctx: Ctx, payload: FireSchedule) -> Schedule | None:
    """The schedule, if it still waits for this very moment."""
    schedule = await Schedules(ctx).find(payload.schedule_id)
    if schedule is None or schedule.status is not ScheduleStatus.ACTIVE or schedule.next_fire_at != payload.due_at:
        return None
    return schedule


async def _record(
    ctx: Ctx,
    schedule: Schedule,
    payload: FireSchedule,
    due: Due,
    *,
    run_id: RunId | None = None,
    code: str | None = None,
    error: str | None = None,
) -> FiringId:
    key = FiringId.new()
    fresh = await Firings(ctx).put(
        key,
        schedule_id=schedule.id,
        due_at=payload.due_at,
        fired_at=ctx.now,
        status=due.status,
        missed=due.missed,
        by_hand=False,
        run_id=run_id,
        code=code,
        error=error,
    )
    if not fresh:
        raise _OnRecordError
    return key


async def _move_on(
    ctx: Ctx,
    schedule: Schedule,
    payload: FireSchedule,
    since: datetime,
    *,
    run_id: RunId | None = None,
    failures: int | None = None,
) -> None:
    started = run_id is not None
    following = planning.plan_of(schedule, since, more=int(started))
    job_id = await wait_for(ctx, schedule.id, following.next_fire_at)
    is_mine = await Schedules(ctx).claim(
        schedule,
        payload.due_at,
        status=following.status,
        end_reason=following.end_reason,
        next_fire_at=following.next_fire_at,
        job_id=job_id,
        more_firings=int(started),
        failures=(0 if started else schedule.failures) if failures is None else failures,
        last_fired_at=ctx.now if started else schedule.last_fired_at,
        last_run_id=run_id or schedule.last_run_id,
    )
    if not is_mine:
        raise _SupersededError


def _fired(schedule: Schedule, key: FiringId, run_id: RunId, due_at: datetime, missed: int) -> ScheduleFired:
    return ScheduleFired(
        schedule_id=schedule.id,
        schedule_name=schedule.name,
        firing_id=key,
        run_id=run_id,
        due_at=due_at,
        missed=missed,
    )


def _words_for(error: Exception) -> tuple[str, str]:
    if isinstance(error, InterlockError):
        return error.code, error.message[:_LONGEST_ERROR]
    return "internal", f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]


def _alarm(schedule: Schedule, error: str) -> NewNotification:
    return NewNotification(
        kind=NotificationKind.SCHEDULE_FAILING,
        title=f"Schedule '{schedule.name}' keeps failing",
        body=f"It could not start its run {FAILING} times in a row.\n{error}",
        level=NotificationLevel.ERROR,
        subject_kind="schedule",
        subject_id=str(schedule.id),
        alert=True,
    )
