"""When something that recurs is next due: five-field cron, intervals and single moments, in a time zone.

Clock changes. A local time that does not exist stands for the first instant after the gap, once. A local time that
comes twice counts at its first coming; only a pattern that names every hour goes on through the repeated hour, because
an hour of silence is not what "every five minutes" means. The day fields of cron follow Debian: either of them
may match where both are restricted, both must where one begins with a star.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

SHORTEST_INTERVAL = timedelta(minutes=1)
LONGEST_INTERVAL = timedelta(days=366)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_EVERY_HOUR = 24
_CRON_FIELDS = 5
_INTERVAL = re.compile(r"(\d{1,9}) ?(s|m|h|d|w|)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NAMES = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock's reading, of which only the fields matter


class RecurrenceKind(StrEnum):
    """How a specification is to be read."""

    CRON = "cron"
    INTERVAL = "interval"
    ONE_SHOT = "one_shot"


class RecurrenceError(ValueError):
    """A specification that cannot be understood; `part` names which of kind, spec, text and time zone is wrong."""

    def __init__(self, message: str, *, part: str = "spec") -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A checked specification.

    Args:
        spec: its canonical text.
        zone: where cron's fields are read.
        anchor: what intervals are counted from.
    """

    kind: RecurrenceKind
    spec: str
    zone: ZoneInfo
    anchor: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        """The first instant strictly later than a moment; None when there is none."""
        if self.kind is RecurrenceKind.INTERVAL:
            step = timedelta(seconds=_seconds(self.spec))
            return self.anchor + ((moment - self.anchor) // step + 1) * step
        if self.kind is RecurrenceKind.ONE_SHOT:
            at = datetime.fromisoformat(self.spec)
            return at if at > moment else None
        return _next_cron(self.spec, self.zone, moment)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every instant later than a moment, in order."""
        following = self.next_after(moment)
        while following is not None:
            yield following
            following = self.next_after(following)

    def passed(self, since: datetime, until: datetime, *, most: int) -> int:
        """How many instants lie after one moment and not after another, counted up to a limit."""
        count = 0
        for instant in islice(self.after(since), most):
            if instant > until:
                break
            count += 1
        return count

    def explain(self) -> str:
        """In words."""
        if self.kind is RecurrenceKind.INTERVAL:
            number, unit = int(self.spec[:-1]), _NAMES[self.spec[-1]]
            return f"Every {unit}" if number == 1 else f"Every {number} {unit}s"
        if self.kind is RecurrenceKind.ONE_SHOT:
            return f"Once, on {datetime.fromisoformat(self.spec).astimezone(self.zone):%Y-%m-%d at %H:%M}"
        return CronSim(self.spec, _ANY_DAY).explain()


def recurrence(kind: RecurrenceKind, spec: str, zone: str, anchor: datetime) -> Recurrence:
    """Check a specification and bring it into its canonical text.

    Args:
        kind: how to read it.
        spec: `0 9 * * 1-5`; `15m`, `1h`, `1d` or seconds; an ISO 8601 moment, read in the zone where it names none.
        zone: IANA name.
        anchor: what intervals are counted from.

    Raises:
        RecurrenceError: what is wrong, and with which part.
    """
    place = time_zone(zone)
    text = spec.strip()
    if kind is RecurrenceKind.CRON:
        canonical = _cron(text)
    elif kind is RecurrenceKind.INTERVAL:
        canonical = _interval(text)
    else:
        canonical = _one_shot(text, place)
    return Recurrence(kind, canonical, place, anchor)


def time_zone(name: str) -> ZoneInfo:
    """The zone of this IANA name."""
    try:
        if _ZONE_NAME.fullmatch(name) is not None:
            return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a folder of zones, a file that is none, no such name
        pass
    raise RecurrenceError(
        f"'{name[:60]}' is no time zone; use an IANA name such as Europe/Berlin or UTC.", part="time_zone"
    )


def local_instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """When clocks of a zone show a time: once, twice where it is repeated, at the gap's end where it is skipped."""
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset() or timedelta(), second.utcoffset() or timedelta()
    early, late = (wall - before).replace(tzinfo=UTC), (wall - after).replace(tzinfo=UTC)
    if before == after:
        return (early,)
    return (early, late) if before > after else (_change(late, early, zone),)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first instant of the offset that holds at `high`, after which `low` still had another."""
    settled = high.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == settled:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _next_cron(spec: str, zone: ZoneInfo, moment: datetime) -> datetime | None:
    here = moment.astimezone(zone)
    back = _falling_back(moment, here, zone) if _names_every_hour(spec) else timedelta()
    best: datetime | None = None
    try:
        for wall in CronSim(spec, here.replace(tzinfo=None, fold=0) - back):
            instants = local_instants(wall, zone)
            later = [at for at in (instants if back else instants[:1]) if at > moment]
            best = min([*later, best] if best else later, default=None)
            if instants[0] > moment:
                return best
    except OverflowError:  # past the year 9999
        return best
    return best


def _falling_back(moment: datetime, here: datetime, zone: ZoneInfo) -> timedelta:
    """By how much clocks are put back within a day before or after a moment."""
    offset = here.utcoffset() or timedelta()
    earlier = (moment - _DAY).astimezone(zone).utcoffset() or timedelta()
    later = (moment + _DAY).astimezone(zone).utcoffset() or timedelta()
    return max(earlier - offset, offset - later, timedelta())


@lru_cache(maxsize=1_024)
def _names_every_hour(spec: str) -> bool:
    return len(CronSim(spec, _ANY_DAY).hours) == _EVERY_HOUR


def _cron(spec: str) -> str:
    parts = spec.split()
    if len(parts) != _CRON_FIELDS:
        raise RecurrenceError(
            f"A cron expression has five fields (minute hour day month weekday); this has {len(parts)}."
        )
    text = " ".join(parts)
    try:
        following = next(CronSim(text, _ANY_DAY), None)
    except CronSimError as error:
        raise RecurrenceError(f"'{text[:100]}' is no cron expression: {str(error).lower()}.") from error
    if following is None:
        raise RecurrenceError(f"'{text[:100]}' names a date that never comes.")
    return text


def _interval(spec: str) -> str:
    match = _INTERVAL.fullmatch(spec.lower())
    if match is None:
        raise RecurrenceError(f"'{spec[:60]}' is no interval; write 15m, 1h, 1d, or a number of seconds.")
    seconds = int(match[1]) * _UNITS[match[2]]
    if not SHORTEST_INTERVAL.total_seconds() <= seconds <= LONGEST_INTERVAL.total_seconds():
        raise RecurrenceError(f"An interval lasts from 60 seconds to 366 days; '{spec[:60]}' does not.")
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _one_shot(spec: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(spec)
        at = local_instants(moment, zone)[0] if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RecurrenceError(
            f"'{spec[:60]}' is no moment; write ISO 8601, such as 2026-03-01T09:00:00+01:00."
        ) from error
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _seconds(interval: str) -> int:
    return int(interval[:-1]) * _UNITS[interval[-1]]
