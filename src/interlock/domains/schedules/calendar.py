"""What is due between two instants, over many schedules: merged in order of time and bounded; pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heapreplace

from interlock.domains.schedules.views import Calendar, DueMoment, Schedule, ScheduleId, Shortened


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which instants, how many moments in all, and how many of one schedule."""

    since: datetime
    until: datetime
    most: int
    each: int


def lay_out(schedules: Sequence[Schedule], bounds: Bounds, known_until: datetime) -> Calendar:
    """The due moments of active schedules.

    Args:
        schedules: those that are next due before `known_until`.
        known_until: what is due later may be missing; no later than the bounds' end.
    """
    waiting = [(first, number) for number, each in enumerate(schedules) if (first := _first(each, bounds)) is not None]
    heapify(waiting)
    moments: list[DueMoment] = []
    shortened: list[Shortened] = []
    counted: Counter[ScheduleId] = Counter()
    while waiting and waiting[0][0] <= known_until and len(moments) < bounds.most:
        at, number = waiting[0]
        schedule = schedules[number]
        moments.append(DueMoment(at=at, schedule_id=schedule.id, schedule_name=schedule.name))
        counted[schedule.id] += 1
        following = _after(schedule, at, counted[schedule.id], bounds.until)
        if following is not None and counted[schedule.id] == bounds.each:
            shortened.append(Shortened(schedule_id=schedule.id, schedule_name=schedule.name, after=at))
            following = None
        if following is None:
            heappop(waiting)
        else:
            heapreplace(waiting, (following, number))
    if waiting and waiting[0][0] <= known_until:
        known_until = moments[-1].at
    return Calendar(
        since=bounds.since,
        until=bounds.until,
        complete_until=known_until,
        moments=tuple(moments),
        shortened=tuple(shortened),
    )


def _first(schedule: Schedule, bounds: Bounds) -> datetime | None:
    """The first due moment from the bounds' beginning on; how many runs lie before it is not counted."""
    planned = schedule.next_fire_at
    if planned is None or planned >= bounds.since:
        return planned if planned is not None and planned <= bounds.until else None
    return _after(schedule, bounds.since, 0, bounds.until)


def _after(schedule: Schedule, moment: datetime, seen: int, until: datetime) -> datetime | None:
    if schedule.max_firings is not None and schedule.firings + seen >= schedule.max_firings:
        return None
    following = schedule.recurrence.next_after(moment)
    last = until if schedule.expires_at is None else min(until, schedule.expires_at)
    return following if following is not None and following <= last else None
