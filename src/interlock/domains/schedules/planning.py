"""What comes next for a schedule; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domains.schedules.states import CatchUp, EndReason, FiringStatus, ScheduleStatus, SkipReason
from interlock.domains.schedules.views import Schedule
from interlock.kit.recurrence import Recurrence

PUNCTUAL = timedelta(minutes=1)
"""What is due is served within this time, or counts as missed; no schedule is due more often."""
MOST_MISSED = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a schedule stands after something happened to it."""

    status: ScheduleStatus
    end_reason: EndReason | None
    next_fire_at: datetime | None


@dataclass(frozen=True, slots=True)
class Limits:
    """When a schedule ends by itself."""

    max_firings: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """What a due moment is worth when it is served.

    Args:
        skip: why nothing is to start; None otherwise.
        missed: how many further due moments it stands for.
        since: from when the next due moment is looked for.
    """

    status: FiringStatus
    skip: SkipReason | None
    missed: int
    since: datetime


def plan(recurrence: Recurrence, since: datetime, limits: Limits, *, firings: int) -> Plan:
    """The next due moment after one, or why there is none."""
    if limits.max_firings is not None and firings >= limits.max_firings:
        return Plan(ScheduleStatus.EXHAUSTED, EndReason.MAX_FIRINGS, None)
    following = recurrence.next_after(since)
    if following is None:
        return Plan(ScheduleStatus.EXHAUSTED, EndReason.COMPLETED, None)
    if limits.expires_at is not None and following > limits.expires_at:
        return Plan(ScheduleStatus.EXHAUSTED, EndReason.EXPIRED, None)
    return Plan(ScheduleStatus.ACTIVE, None, following)


def plan_of(schedule: Schedule, since: datetime, *, more: int = 0) -> Plan:
    """The same for a schedule that has just started `more` runs."""
    limits = Limits(schedule.max_firings, schedule.expires_at)
    return plan(schedule.recurrence, since, limits, firings=schedule.firings + more)


def judge(schedule: Schedule, due_at: datetime, now: datetime) -> Due:
    """What to make of a due moment that is served now: on time, or after a downtime."""
    if now - due_at <= PUNCTUAL:
        return Due(FiringStatus.FIRED, None, 0, due_at)
    missed = schedule.recurrence.passed(due_at, now, most=MOST_MISSED)
    if schedule.expires_at is not None and now > schedule.expires_at:
        return Due(FiringStatus.SKIPPED, SkipReason.EXPIRED, missed, now)
    if schedule.catch_up is CatchUp.NONE:
        return Due(FiringStatus.SKIPPED, SkipReason.MISSED, missed, now)
    return Due(FiringStatus.CAUGHT_UP, None, missed, now)
