"""What is due between two instants: merged over schedules, ended where they end, and honest about where it is cut."""

from datetime import timedelta
from typing import Any

import pytest

from interlock.domains.schedules import service as schedules
from interlock.domains.schedules.views import Calendar
from interlock.kit.errors import InterlockError
from tests.domains.schedules.clockwork import START, Clockwork

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def calendar(clock: Clockwork, **values: Any) -> Calendar:
    found: Calendar = await clock.call(schedules.upcoming, **values)
    return found


def short(found: Calendar) -> list[str]:
    return [f"{moment.at:%a %H:%M} {moment.schedule_name}" for moment in found.moments]


async def test_a_week_of_several_schedules_in_order_of_time(clock: Clockwork) -> None:
    agent = await clock.agent()
    await clock.schedule(name="berlin", text="every weekday at 9am", time_zone="Europe/Berlin", agent_id=agent.id)
    await clock.schedule(name="noon", text="every sunday at noon", agent_id=agent.id)
    resting = await clock.schedule(name="resting", text="every hour", agent_id=agent.id)
    await clock.call(schedules.pause, schedule_id=resting.id)
    found = await calendar(clock)
    # 1 May 2026 is a Friday; nine in Berlin is seven in UTC.
    assert short(found) == [
        "Fri 07:00 berlin",
        "Sun 12:00 noon",
        "Mon 07:00 berlin",
        "Tue 07:00 berlin",
        "Wed 07:00 berlin",
        "Thu 07:00 berlin",
    ]
    assert (found.since, found.until, found.complete_until) == (START, START + 7 * DAY, START + 7 * DAY)
    assert found.shortened == ()


async def test_a_schedule_ends_where_its_limits_say(clock: Clockwork) -> None:
    agent = await clock.agent()
    await clock.schedule(name="thrice", text="every hour", agent_id=agent.id, max_firings=3)
    await clock.schedule(name="short", text="every hour", agent_id=agent.id, expires_at=START + timedelta(hours=2.5))
    found = await calendar(clock)
    assert short(found).count("Fri 01:00 thrice") == 1
    assert [line for line in short(found) if "thrice" in line][-1] == "Fri 03:00 thrice"
    assert [line for line in short(found) if "short" in line] == ["Fri 01:00 short", "Fri 02:00 short"]


async def test_what_is_cut_off_is_said(clock: Clockwork) -> None:
    agent = await clock.agent()
    often = await clock.schedule(name="often", text="every 5 minutes", agent_id=agent.id)
    await clock.schedule(name="daily", text="daily", agent_id=agent.id)
    found = await calendar(clock, each=3, until=START + 3 * DAY)
    assert [(each.schedule_id, each.after) for each in found.shortened] == [(often.id, START + timedelta(minutes=15))]
    assert found.complete_until == found.until
    assert sum("daily" in line for line in short(found)) == 3
    found = await calendar(clock, limit=4)
    assert len(found.moments) == 4
    assert found.complete_until == found.moments[-1].at < found.until


async def test_a_window_that_lies_ahead_begins_there(clock: Clockwork) -> None:
    await clock.schedule(name="hourly", text="every hour")
    found = await calendar(clock, since=START + DAY, until=START + DAY + 2 * HOUR)
    assert [moment.at for moment in found.moments] == [START + DAY + HOUR, START + DAY + 2 * HOUR]


@pytest.mark.parametrize("until", [START, START - HOUR, START + 367 * DAY])
async def test_a_window_has_a_length(clock: Clockwork, until: Any) -> None:
    with pytest.raises(InterlockError) as raised:
        await calendar(clock, until=until)
    assert raised.value.data["field"] == "until"


async def test_many_schedules_are_known_as_far_as_they_were_read(
    clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "_MOST_SCHEDULES", 1)
    agent = await clock.agent()
    await clock.schedule(name="first", text="every hour", agent_id=agent.id)
    await clock.schedule(name="second", text="every 3 hours", agent_id=agent.id)
    found = await calendar(clock)
    assert short(found) == ["Fri 01:00 first", "Fri 02:00 first", "Fri 03:00 first"]
    assert found.complete_until == START + 3 * HOUR
