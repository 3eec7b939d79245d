"""English words for when something recurs."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.kit.recurrence import RecurrenceError, recurrence
from interlock.kit.recurrence_text import read

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize(
    "form", ["every {day} at {time}", "on {day} at {time}", "{day}s at {time}", "every {day} {time}"]
)
@pytest.mark.parametrize(
    ("time", "fields"),
    [("9am", "0 9"), ("9:30am", "30 9"), ("12am", "0 0"), ("12pm", "0 12"), ("15:00", "0 15"), ("11:59 p.m.", "59 23")],
)
def test_weekdays_by_name(number: int, form: str, time: str, fields: str) -> None:
    for name in (DAYS[number], DAYS[number].lower(), DAYS[number][:3]):
        assert read(form.format(day=name, time=time)).spec == f"{fields} * * {number}"


@pytest.mark.parametrize(
    ("text", "kind", "spec", "confidence"),
    [
        ("daily at noon", "cron", "0 12 * * *", 1.0),
        ("every day at midnight", "cron", "0 0 * * *", 1.0),
        ("weekdays at 8am", "cron", "0 8 * * 1-5", 1.0),
        ("every weekday at 8am", "cron", "0 8 * * 1-5", 1.0),
        ("on weekdays at 8am", "cron", "0 8 * * 1-5", 1.0),
        ("weekends at 10:15", "cron", "15 10 * * 0,6", 1.0),
        ("monday to friday at 9", "cron", "0 9 * * 1-5", 1.0),
        ("every mon, wed and fri at 10am", "cron", "0 10 * * 1,3,5", 1.0),
        ("friday to monday at 7", "cron", "0 7 * * 0,1,5,6", 1.0),
        ("every minute", "cron", "* * * * *", 1.0),
        ("every 15 minutes", "cron", "*/15 * * * *", 1.0),
        ("every fifteen minutes", "cron", "*/15 * * * *", 1.0),
        ("every 45 minutes", "interval", "45m", 1.0),
        ("every hour", "cron", "0 * * * *", 1.0),
        ("hourly", "cron", "0 * * * *", 1.0),
        ("every 2 hours", "cron", "0 */2 * * *", 1.0),
        ("every 5 hours", "interval", "5h", 1.0),
        ("every 24 hours", "interval", "24h", 1.0),
        ("every 15 minutes on weekdays", "cron", "*/15 * * * 1-5", 1.0),
        ("every 3 days", "interval", "3d", 1.0),
        ("every two weeks", "interval", "2w", 1.0),
        ("every morning", "cron", "0 9 * * *", 1.0),
        ("every afternoon", "cron", "0 14 * * *", 1.0),
        ("every evening", "cron", "0 18 * * *", 1.0),
        ("every night", "cron", "0 21 * * *", 1.0),
        ("every monday morning", "cron", "0 9 * * 1", 1.0),
        ("every evening at 7pm", "cron", "0 19 * * *", 1.0),
        ("daily", "cron", "0 9 * * *", 1.0),
        ("weekly", "cron", "0 9 * * 1", 1.0),
        ("every week on friday at 4pm", "cron", "0 16 * * 5", 1.0),
        ("monthly", "cron", "0 9 1 * *", 1.0),
        ("twice a day", "cron", "0 9,17 * * *", 1.0),
        ("twice a day at 8am and 8pm", "cron", "0 8,20 * * *", 1.0),
        ("first of every month", "cron", "0 9 1 * *", 1.0),
        ("the first day of every month at 8am", "cron", "0 8 1 * *", 1.0),
        ("on the 15th of every month at noon", "cron", "0 12 15 * *", 1.0),
        ("every month on the 3rd at 6:45", "cron", "45 6 3 * *", 1.0),
        ("last day of the month", "cron", "0 9 L * *", 1.0),
        ("first monday of the month at 9am", "cron", "0 9 * * 1#1", 1.0),
        ("last friday of every month at 5pm", "cron", "0 17 * * 5L", 1.0),
        ("at 9am", "cron", "0 9 * * *", 0.9),
        ("noon", "cron", "0 12 * * *", 0.9),
        ("at 8:30 and 17:30", "cron", "30 8,17 * * *", 0.9),
        ("every monday", "cron", "0 9 * * 1", 0.9),
        ("  Every   MONDAY at 9 A.M. ", "cron", "0 9 * * 1", 1.0),
        ("5m", "interval", "5m", 1.0),
        ("2h", "interval", "2h", 1.0),
        ("1d", "interval", "1d", 1.0),
        ("*/5 9-17 * * MON-FRI", "cron", "*/5 9-17 * * MON-FRI", 1.0),
    ],
)
def test_forms(text: str, kind: str, spec: str, confidence: float) -> None:
    reading = read(text)
    assert (reading.kind, reading.spec, reading.confidence) == (kind, spec, confidence)
    assert recurrence(reading.kind, reading.spec, "UTC", ANCHOR).next_after(ANCHOR)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("every other Tuesday", "every other"),
        ("every other day at noon", "every other"),
        ("every blursday at 9am", "blursday"),
        ("every monday at 25:00", "25:00"),
        ("daily at 13pm", "13pm"),
        ("daily at 9:75", "9:75"),
        ("every 0 minutes", "every 0"),
        ("every few minutes", "every few"),
        ("32nd of every month", "32nd"),
        ("first blursday of every month", "blursday"),
        ("every year", "year"),
        ("every 3 days at 9am", "every 3 days"),
        ("when the cows come home", "when the cows come home"),
        ("at 8:15 and 9:30", "8:15 and 9:30"),
    ],
)
def test_what_is_not_understood_is_named(text: str, words: str) -> None:
    with pytest.raises(RecurrenceError, match=f"'{words}") as raised:
        read(text)
    assert raised.value.part == "text"


@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    "every",
                    "other",
                    "day",
                    "at",
                    "9am",
                    "and",
                    "monday",
                    "weekdays",
                    "on",
                    "the",
                    "first",
                    "of",
                    "month",
                    "2",
                    "hours",
                    ",",
                    "noon",
                    "to",
                    "twice",
                    "a",
                    "last",
                    "15:00",
                    "night",
                ]
            ),
            max_size=8,
        ).map(" ".join),
    )
)
def test_any_words_are_understood_or_refused(text: str) -> None:
    try:
        reading = read(text)
        found = recurrence(reading.kind, reading.spec, "Asia/Kolkata", ANCHOR)
    except RecurrenceError:
        return
    assert found.next_after(ANCHOR) is not None
