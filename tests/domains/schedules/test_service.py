"""Operations on schedules: what may be said about when and what, and what each change means for the next due moment."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.accounts.service import keys
from interlock.domains.runs.states import RunStatus
from interlock.domains.schedules import service as schedules
from interlock.domains.schedules.planning import Limits, plan
from interlock.domains.schedules.states import EndReason, FiringStatus, ScheduleStatus
from interlock.domains.schedules.views import ScheduleId
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId, WorkflowId
from interlock.kit.recurrence import RecurrenceKind, recurrence
from interlock.runtime.invoke import invoke
from tests.domains.schedules.clockwork import START, Clockwork

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_words_are_kept_beside_what_they_mean(clock: Clockwork) -> None:
    made = await clock.schedule(text="Every weekday at 9am", time_zone="Europe/Berlin", extra={"stagent": {"a": 1}})
    assert (made.text, made.kind, made.spec) == ("Every weekday at 9am", "cron", "0 9 * * 1-5")
    assert made.explanation == "At 09:00 on Monday through Friday"
    assert str(made.next_fire_at) == "2026-05-01 07:00:00+00:00"
    assert (await clock.seen(made)).extra == {"stagent": {"a": 1}}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"text": "every other Tuesday"}, "text", "'every other' was not understood"),
        ({"text": "30s"}, "text", "60 seconds"),
        ({"kind": "cron", "spec": "0 9 * *"}, "spec", "five fields"),
        ({"kind": "interval", "spec": "10s"}, "spec", "60 seconds"),
        ({"kind": "one_shot", "spec": "2026-04-30T23:59:59Z"}, "spec", "has passed"),
        ({"kind": "cron"}, "text", "either 'text' or"),
        ({"spec": "15m"}, "kind", "go together"),
        ({"text": "daily", "kind": "cron", "spec": "* * * * *"}, "text", "either 'text' or"),
        ({"text": "daily", "time_zone": "Mars/Olympus"}, "time_zone", "no time zone"),
        ({"text": "daily", "expires_at": "2026-05-01T01:00:00Z"}, "expires_at", "before it fires"),
        ({"text": "daily", "agent_id": None}, "workflow_id", "either"),
        ({"text": "daily", "workflow_id": str(WorkflowId.new())}, "workflow_id", "either"),
    ],
)
async def test_what_is_wrong_is_told_by_field(clock: Clockwork, values: dict[str, Any], field: str, words: str) -> None:
    agent = await clock.agent()
    with pytest.raises(InterlockError, match=words) as raised:
        await clock.call(schedules.create, **{"name": "x", "agent_id": agent.id, **values})
    assert (raised.value.kind, raised.value.data["field"]) == (Kind.INVALID, field)


@pytest.mark.parametrize("target", [{"agent_id": AgentId.new()}, {"workflow_id": WorkflowId.new()}])
async def test_what_is_not_there_cannot_be_scheduled(clock: Clockwork, target: dict[str, Any]) -> None:
    with pytest.raises(InterlockError) as raised:
        await clock.call(schedules.create, name="x", text="daily", **target)
    assert raised.value.kind is Kind.NOT_FOUND


async def test_a_paused_schedule_rests_and_counts_from_its_resumption(clock: Clockwork) -> None:
    made = await clock.schedule(text="2h", overlap="allow")
    paused = await clock.call(schedules.pause, schedule_id=made.id)
    assert (paused.status, paused.next_fire_at) == (ScheduleStatus.PAUSED, None)
    assert await clock.waiting_jobs() == 0
    await clock.pass_time(5 * HOUR)
    assert await clock.firings(made) == []
    resumed = await clock.call(schedules.resume, schedule_id=made.id)
    assert resumed.next_fire_at == START + 7 * HOUR
    await clock.pass_time(2 * HOUR)
    assert await clock.outcomes(made) == [("07:00", FiringStatus.FIRED)]


async def test_only_what_works_is_paused_and_only_what_rests_resumed(clock: Clockwork) -> None:
    made = await clock.schedule(max_firings=1)
    with pytest.raises(InterlockError, match="active"):
        await clock.call(schedules.resume, schedule_id=made.id)
    await clock.call(schedules.pause, schedule_id=made.id)
    with pytest.raises(InterlockError, match="paused"):
        await clock.call(schedules.pause, schedule_id=made.id)
    await clock.call(schedules.resume, schedule_id=made.id)
    await clock.pass_time(HOUR)
    for function in (schedules.pause, schedules.resume):
        with pytest.raises(InterlockError, match="exhausted") as raised:
            await clock.call(function, schedule_id=made.id)
        assert raised.value.kind is Kind.CONFLICT


async def test_a_change_of_when_counts_from_now_and_leaves_one_job(clock: Clockwork) -> None:
    made = await clock.schedule(text="every hour", overlap="allow")
    for number in range(20):
        await clock.call(schedules.update, schedule_id=made.id, text=f"{number + 2}h")
    assert await clock.waiting_jobs() == 1
    changed = await clock.call(schedules.update, schedule_id=made.id, kind="cron", spec="30 * * * *")
    assert (changed.text, changed.spec, changed.next_fire_at) == (None, "30 * * * *", START + HOUR / 2)
    await clock.pass_time(2 * HOUR)
    assert await clock.outcomes(made) == [("00:30", FiringStatus.FIRED), ("01:30", FiringStatus.FIRED)]
    moved = await clock.call(schedules.update, schedule_id=made.id, spec="0 12 * * *", time_zone="Asia/Tokyo")
    assert str(moved.next_fire_at) == "2026-05-01 03:00:00+00:00"


async def test_a_change_of_zone_moves_the_same_words(clock: Clockwork) -> None:
    made = await clock.schedule(text="daily at noon")
    moved = await clock.call(schedules.update, schedule_id=made.id, time_zone="America/New_York")
    assert (moved.text, str(moved.next_fire_at)) == ("daily at noon", "2026-05-01 16:00:00+00:00")


async def test_other_changes_leave_the_next_moment_alone(clock: Clockwork) -> None:
    made = await clock.schedule(text="2h")
    clock.at(START + HOUR)
    other = await clock.agent()
    changed = await clock.call(
        schedules.update, schedule_id=made.id, name="new", input_data={"a": 1}, agent_id=other.id, overlap="allow"
    )
    assert (changed.name, changed.agent_id, changed.next_fire_at) == ("new", other.id, made.next_fire_at)
    with pytest.raises(InterlockError, match="'name' cannot be null"):
        await clock.call(schedules.update, schedule_id=made.id, name=None)
    with pytest.raises(InterlockError, match="'text' cannot be null"):
        await clock.call(schedules.update, schedule_id=made.id, text=None)


async def test_an_exhausted_schedule_lives_again_when_its_limit_is_raised(clock: Clockwork) -> None:
    made = await clock.schedule(max_firings=1, overlap="allow")
    await clock.pass_time(DAY)
    assert (await clock.seen(made)).end_reason is EndReason.MAX_FIRINGS
    raised = await clock.call(schedules.update, schedule_id=made.id, max_firings=2)
    assert (raised.status, raised.end_reason, raised.next_fire_at) == (ScheduleStatus.ACTIVE, None, START + 25 * HOUR)
    ended = await clock.call(schedules.update, schedule_id=made.id, expires_at=START + DAY)
    assert (ended.status, ended.end_reason) == (ScheduleStatus.EXHAUSTED, EndReason.EXPIRED)
    assert await clock.waiting_jobs() == 0


async def test_a_paused_schedule_that_is_changed_stays_paused(clock: Clockwork) -> None:
    made = await clock.schedule()
    await clock.call(schedules.pause, schedule_id=made.id)
    changed = await clock.call(schedules.update, schedule_id=made.id, text="5m")
    assert (changed.status, changed.next_fire_at) == (ScheduleStatus.PAUSED, None)
    resumed = await clock.call(schedules.resume, schedule_id=made.id)
    assert resumed.next_fire_at == START + timedelta(minutes=5)


async def test_by_hand_it_fires_beside_its_rhythm(clock: Clockwork) -> None:
    made = await clock.schedule(max_firings=1)
    firing = await clock.call(schedules.run_now, schedule_id=made.id)
    assert (firing.by_hand, firing.status, firing.due_at) == (True, FiringStatus.FIRED, START)
    (run,) = await clock.runs_of(made.id)
    assert (run.guid, run.status) == (firing.run_id, RunStatus.RUNNING)
    with pytest.raises(InterlockError, match="unfinished") as raised:
        await clock.call(schedules.run_now, schedule_id=made.id)
    assert raised.value.code == "schedule_busy"
    seen = await clock.seen(made)
    assert (seen.firings, seen.last_run_id, seen.next_fire_at) == (0, firing.run_id, made.next_fire_at)
    await clock.call(schedules.pause, schedule_id=made.id)
    await clock.end_runs()
    clock.at(START + HOUR)
    assert (await clock.call(schedules.run_now, schedule_id=made.id)).by_hand


async def test_its_history_goes_with_it_and_its_runs_stay(clock: Clockwork) -> None:
    made = await clock.schedule()
    await clock.pass_time(HOUR)
    await clock.call(schedules.delete, schedule_id=made.id)
    assert await clock.waiting_jobs() == 0
    assert len(await clock.runs_of(made.id)) == 1
    with pytest.raises(InterlockError) as raised:
        await clock.firings(made)
    assert raised.value.kind is Kind.NOT_FOUND
    await clock.pass_time(DAY)


async def test_an_agents_schedule_is_changed_and_woken_only_with_its_scope(clock: Clockwork) -> None:
    made = await clock.schedule()
    await clock.call(schedules.pause, schedule_id=made.id)
    key = await clock.call(keys.create_key, name="clock only", scopes=["workflows"])
    narrow = await clock.server.ctx(key.secret)
    for function, command in (
        (schedules.update, schedules.UpdateSchedule(schedule_id=made.id, input_data={"task": "something else"})),
        (schedules.resume, schedules.ScheduleRef(schedule_id=made.id)),
    ):
        with pytest.raises(InterlockError, match="'agents'") as raised:
            await invoke(narrow, function, command)  # type: ignore[arg-type]
        assert raised.value.kind is Kind.FORBIDDEN


async def test_an_agent_takes_the_same_scope_by_the_clock_as_by_hand(clock: Clockwork) -> None:
    made = await clock.schedule()
    key = await clock.call(keys.create_key, name="clock only", scopes=["workflows"])
    narrow = await clock.server.ctx(key.secret)
    for function, command in (
        (schedules.create, schedules.CreateSchedule(name="x", text="daily", agent_id=made.agent_id)),
        (schedules.run_now, schedules.ScheduleRef(schedule_id=made.id)),
    ):
        with pytest.raises(InterlockError, match="'agents'") as raised:
            await invoke(narrow, function, command)  # type: ignore[arg-type]
        assert raised.value.kind is Kind.FORBIDDEN


async def test_a_preview_keeps_nothing(clock: Clockwork) -> None:
    shown = await clock.call(schedules.preview, text="at 9am", time_zone="Europe/Berlin", count=2)
    assert (shown.spec, shown.confidence, shown.explanation) == ("0 9 * * *", 0.9, "At 09:00 every day")
    assert [f"{at:%d %H:%M}" for at in shown.next_fire_times] == ["01 07:00", "02 07:00"]
    assert (await clock.call(schedules.preview, kind="one_shot", spec="2020-01-01T00:00:00Z")).next_fire_times == ()
    assert (await clock.call(schedules.list_)).items == ()


async def test_the_list_is_filtered(clock: Clockwork) -> None:
    first, second = await clock.schedule(), await clock.schedule()
    await clock.call(schedules.pause, schedule_id=first.id)
    assert [made.id for made in (await clock.call(schedules.list_, status="paused")).items] == [first.id]
    assert [made.id for made in (await clock.call(schedules.list_, agent_id=second.agent_id)).items] == [second.id]
    with pytest.raises(InterlockError):
        await clock.call(schedules.get, schedule_id=ScheduleId.new())


@given(
    firings=st.integers(0, 5),
    most=st.none() | st.integers(1, 5),
    expires=st.none() | st.integers(-100, 10_000),
    since=st.integers(0, 5_000),
)
def test_a_plan_has_either_a_next_moment_or_a_reason(
    firings: int, most: int | None, expires: int | None, since: int
) -> None:
    every = recurrence(RecurrenceKind.INTERVAL, "7m", "UTC", START)
    until = None if expires is None else START + timedelta(minutes=expires)
    moment = START + timedelta(minutes=since)
    made = plan(every, moment, Limits(most, until), firings=firings)
    assert (made.next_fire_at is None) == (made.status is ScheduleStatus.EXHAUSTED) == (made.end_reason is not None)
    if made.next_fire_at is not None:
        assert made.next_fire_at > moment
        assert until is None or made.next_fire_at <= until
        assert most is None or firings < most
