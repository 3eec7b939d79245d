"""Recurrence: against a model that looks at every minute, across zones and clock changes."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from interlock.kit.recurrence import Recurrence, RecurrenceError, RecurrenceKind, recurrence, time_zone

ZONES = sorted(zone for zone in available_timezones() if zone not in {"localtime", "Factory"})
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


def cron(spec: str, zone: str = "UTC") -> Recurrence:
    return recurrence(RecurrenceKind.CRON, spec, zone, ANCHOR)


def fires(found: Recurrence, after: datetime, until: datetime) -> list[datetime]:
    times = []
    for at in found.after(after):
        if at > until:
            break
        times.append(at)
    return times


def expected(minutes: set[int], hours: set[int], zone: ZoneInfo, start: datetime, days: int) -> set[datetime]:
    """Every firing of a window, found by reading the clock on the wall at every minute of it."""
    shown: dict[datetime, list[datetime]] = {}
    readings: list[tuple[datetime, datetime]] = []
    for step in range(days * 1_440):
        at = start + step * MINUTE
        wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
        shown.setdefault(wall, []).append(at)
        readings.append((at, wall))
    found = {
        at
        for wall, moments in shown.items()
        if wall.minute in minutes and wall.hour in hours
        for at in (moments if len(hours) == 24 else moments[:1])
    }
    for (_, before), (at, wall) in pairwise(readings):
        skipped = [before + step * MINUTE for step in range(1, (wall - before) // MINUTE)]
        if any(moment.minute in minutes and moment.hour in hours for moment in skipped):
            found.add(at)
    return found


def changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The days of a year on which the zone's clocks are changed."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + DAY * number for number in range(365)]
    return [day for day in days if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset()]


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    year=st.integers(1975, 2036),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.one_of(st.just(set(range(24))), st.sets(st.integers(0, 4), min_size=1)),
    pick=st.integers(0, 3),
    off=st.integers(0, 2 * 1_440),
)
def test_it_agrees_with_reading_the_clock_every_minute(
    zone: ZoneInfo, year: int, minutes: set[int], hours: set[int], pick: int, off: int
) -> None:
    near = changes(zone, year)
    day = near[pick % len(near)] if near else datetime(year, 3, 1, tzinfo=UTC)
    start = day - 2 * DAY
    after, until = start + DAY + off * MINUTE, start + 5 * DAY
    spec = f"{','.join(map(str, minutes))} {'*' if len(hours) == 24 else ','.join(map(str, hours))} * * *"
    wanted = sorted(at for at in expected(minutes, hours, zone, start, 6) if after < at <= until)
    found = fires(cron(spec, zone.key), after, until)
    assert found == wanted
    assert all(early < late for early, late in pairwise(found))


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(1975, 1, 1), date(2060, 1, 1)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_a_daily_time_comes_once_for_every_date(zone: str, day: date, hour: int, minute: int) -> None:
    found = cron(f"{minute} {hour} * * *", zone)
    after = datetime(day.year, day.month, day.day, tzinfo=UTC)
    times = fires(found, after, after + 40 * DAY)
    dates = [at.astimezone(found.zone).date() for at in times]
    assert times == sorted(set(times))
    assert len(set(dates)) == len(dates)
    skipped = (dates[-1] - dates[0]).days + 1 - len(dates)
    assert skipped in ({0, 1} if len({at.astimezone(found.zone).utcoffset() for at in times}) > 1 else {0})


@pytest.mark.parametrize(
    ("spec", "after", "times"),
    [
        # 02:30 does not exist on 29 March 2026: the first instant after the gap is 03:00 summer time.
        ("30 2 * * *", "2026-03-28T12:00+00:00", ["2026-03-29T01:00+00:00", "2026-03-30T00:30+00:00"]),
        # Every skipped slot stands for the same instant, and that comes once.
        ("*/20 2,3 * * *", "2026-03-29T00:30+00:00", ["2026-03-29T01:00+00:00", "2026-03-29T01:20+00:00"]),
        # 02:30 comes twice on 25 October 2026: the first counts.
        ("30 2 * * *", "2026-10-24T12:00+00:00", ["2026-10-25T00:30+00:00", "2026-10-26T01:30+00:00"]),
        # Asked in the repeated hour, the second coming is not offered.
        ("30 2 * * *", "2026-10-25T01:10+00:00", ["2026-10-26T01:30+00:00", "2026-10-27T01:30+00:00"]),
        # What names every hour goes on through the repeated one.
        ("30 * * * *", "2026-10-25T00:00+00:00", ["2026-10-25T00:30+00:00", "2026-10-25T01:30+00:00"]),
        ("0 * * * *", "2026-03-29T00:30+00:00", ["2026-03-29T01:00+00:00", "2026-03-29T02:00+00:00"]),
    ],
)
def test_clock_changes_in_berlin(spec: str, after: str, times: list[str]) -> None:
    found = cron(spec, "Europe/Berlin").after(datetime.fromisoformat(after))
    assert [next(found) for _ in times] == [datetime.fromisoformat(time) for time in times]


def test_a_day_that_a_country_left_out_is_made_up_for_at_its_end() -> None:
    found = cron("0 9 * * *", "Pacific/Apia").after(datetime(2011, 12, 29, 18, 0, tzinfo=UTC))
    zone = ZoneInfo("Pacific/Apia")
    walls = [f"{next(found).astimezone(zone):%d %H:%M}" for _ in range(3)]
    assert walls == ["29 09:00", "31 00:00", "31 09:00"]


def test_day_fields_are_those_of_debian() -> None:
    either = fires(cron("0 0 13 * 5"), ANCHOR, ANCHOR + 20 * DAY)
    assert [at.day for at in either] == [2, 9, 13, 16]
    both = fires(cron("0 0 */2 * 5"), ANCHOR, ANCHOR + 20 * DAY)
    assert [at.day for at in both] == [9]


@given(
    seconds=st.integers(60, 86_400),
    behind=st.integers(-10_000_000, 10_000_000),
)
def test_an_interval_keeps_its_beat(seconds: int, behind: int) -> None:
    found = recurrence(RecurrenceKind.INTERVAL, str(seconds), "Europe/Paris", ANCHOR)
    moment = ANCHOR + timedelta(seconds=behind)
    following = found.next_after(moment)
    assert following is not None
    assert timedelta() < following - moment <= timedelta(seconds=seconds)
    assert (following - ANCHOR) % timedelta(seconds=seconds) == timedelta()


def test_what_passed_is_counted_up_to_a_limit() -> None:
    found = recurrence(RecurrenceKind.INTERVAL, "1m", "UTC", ANCHOR)
    assert found.passed(ANCHOR, ANCHOR + 5 * MINUTE, most=100) == 5
    assert found.passed(ANCHOR, ANCHOR + 5 * MINUTE - timedelta(seconds=1), most=100) == 4
    assert found.passed(ANCHOR, ANCHOR + 5 * DAY, most=100) == 100


@pytest.mark.parametrize(
    ("kind", "given_spec", "canonical", "words"),
    [
        ("interval", "90", "90s", "Every 90 seconds"),
        ("interval", "60m", "1h", "Every hour"),
        ("interval", "1W", "7d", "Every 7 days"),
        ("cron", " 0  9 * * 1-5 ", "0 9 * * 1-5", "At 09:00 on Monday through Friday"),
        ("one_shot", "2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00Z", "Once, on 2026-03-01 at 09:00"),
        ("one_shot", "2026-03-01T09:00", "2026-03-01T08:00:00Z", "Once, on 2026-03-01 at 09:00"),
        ("one_shot", "2026-03-29T02:30", "2026-03-29T01:00:00Z", "Once, on 2026-03-29 at 03:00"),
    ],
)
def test_a_specification_has_one_spelling(kind: str, given_spec: str, canonical: str, words: str) -> None:
    found = recurrence(RecurrenceKind(kind), given_spec, "Europe/Berlin", ANCHOR)
    assert (found.spec, found.explain()) == (canonical, words)
    assert recurrence(found.kind, found.spec, "Europe/Berlin", ANCHOR) == found


def test_a_single_moment_is_due_once() -> None:
    found = recurrence(RecurrenceKind.ONE_SHOT, "2026-03-01T09:00:00Z", "UTC", ANCHOR)
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert found.next_after(ANCHOR) == at
    assert found.next_after(at) is None


@pytest.mark.parametrize(
    ("kind", "spec", "zone", "part"),
    [
        ("cron", "* * * *", "UTC", "spec"),
        ("cron", "0 * * * * *", "UTC", "spec"),
        ("cron", "61 * * * *", "UTC", "spec"),
        ("cron", "0 0 30 2 *", "UTC", "spec"),
        ("cron", "0 0 * * frei", "UTC", "spec"),
        ("interval", "59", "UTC", "spec"),
        ("interval", "367d", "UTC", "spec"),
        ("interval", "-5m", "UTC", "spec"),
        ("interval", "1.5h", "UTC", "spec"),
        ("one_shot", "tomorrow", "UTC", "spec"),
        ("one_shot", "9999-12-31T23:59:59-14:00", "UTC", "spec"),
        ("cron", "* * * * *", "Mars/Olympus", "time_zone"),
        ("cron", "* * * * *", "Europe", "time_zone"),
        ("cron", "* * * * *", "../../etc/passwd", "time_zone"),
        ("cron", "* * * * *", "", "time_zone"),
    ],
)
def test_what_is_wrong_is_named(kind: str, spec: str, zone: str, part: str) -> None:
    with pytest.raises(RecurrenceError) as raised:
        recurrence(RecurrenceKind(kind), spec, zone, ANCHOR)
    assert raised.value.part == part
    assert str(raised.value)


@given(text=st.text(max_size=40), kind=st.sampled_from(RecurrenceKind))
def test_any_text_is_understood_or_refused(text: str, kind: RecurrenceKind) -> None:
    try:
        found = recurrence(kind, text, "Europe/London", ANCHOR)
    except RecurrenceError:
        return
    assume(found.kind is not RecurrenceKind.ONE_SHOT)
    assert found.next_after(ANCHOR) is not None


@given(text=st.from_regex(r"[0-9*/,LW#-]{1,6}( [0-9*/,LW#-]{1,6}){4}", fullmatch=True))
def test_any_five_fields_are_understood_or_refused(text: str) -> None:
    try:
        found = cron(text, "America/New_York")
    except RecurrenceError:
        return
    following = found.next_after(ANCHOR)
    assert following is None or following > ANCHOR
    assert found.explain()


def test_every_zone_is_known_by_its_name() -> None:
    assert all(time_zone(name).key == name for name in ZONES)
