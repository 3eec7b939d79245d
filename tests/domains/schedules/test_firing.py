"""Due moments: each served once, late ones once for all, refused ones on record; whatever clock and servers do."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from interlock.domains.agents import service as agents
from interlock.domains.notifications import service as notifications
from interlock.domains.runs.states import Trigger
from interlock.domains.schedules import jobs as schedule_jobs
from interlock.domains.schedules import service as schedules
from interlock.domains.schedules.events import ScheduleFailed, ScheduleFailing, ScheduleFired
from interlock.domains.schedules.firing import FireSchedule, fire
from interlock.domains.schedules.models import schedules as table
from interlock.domains.schedules.repository import Schedules
from interlock.domains.schedules.states import EndReason, FiringStatus, ScheduleStatus
from interlock.domains.workflows import service as workflows
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx
from interlock.runtime.jobs import job_rows
from tests.domains.schedules.clockwork import START, Clockwork

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRED, CAUGHT_UP = FiringStatus.FIRED, FiringStatus.CAUGHT_UP
SKIPPED, FAILED = FiringStatus.SKIPPED, FiringStatus.FAILED


async def test_a_due_moment_starts_one_run(clock: Clockwork) -> None:
    made = await clock.schedule(text="every hour")
    assert (made.kind, made.spec, made.next_fire_at) == ("cron", "0 * * * *", START + HOUR)
    await clock.work()
    assert await clock.firings(made) == []
    clock.at(START + HOUR)
    await clock.work()
    (firing,) = await clock.firings(made)
    (run,) = await clock.runs_of(made.id)
    assert (firing.status, firing.due_at, firing.run_id, firing.missed) == (FIRED, START + HOUR, run.guid, 0)
    assert (run.trigger, run.input) == (Trigger.SCHEDULE, {"task": "Look around."})
    assert run.started_by == made.created_by
    seen = await clock.seen(made)
    assert (seen.firings, seen.last_run_id, seen.next_fire_at) == (1, run.guid, START + 2 * HOUR)
    (news,) = clock.told(ScheduleFired)
    assert (news.schedule_id, news.run_id, news.firing_id) == (made.id, run.guid, firing.id)
    assert await clock.waiting_jobs() == 1


async def test_a_job_that_is_brought_again_starts_nothing(clock: Clockwork) -> None:
    made = await clock.schedule()
    clock.at(START + HOUR)
    payload = FireSchedule(schedule_id=made.id, due_at=START + HOUR)
    for _ in range(3):
        await fire(await system(clock, made), payload)
    await clock.work()
    assert len(await clock.runs_of(made.id)) == 1
    assert await clock.outcomes(made) == [("01:00", FIRED)]


async def test_many_at_once_start_one_run(clock: Clockwork) -> None:
    made = await clock.schedule()
    clock.at(START + HOUR)
    payload = FireSchedule(schedule_id=made.id, due_at=START + HOUR)
    contexts = [await system(clock, made) for _ in range(8)]
    await asyncio.gather(*(fire(ctx, payload) for ctx in contexts))
    assert len(await clock.runs_of(made.id)) == 1
    assert await clock.outcomes(made) == [("01:00", FIRED)]
    assert (await clock.seen(made)).firings == 1


class _PowerCutError(BaseException):
    """The process ends here."""


async def test_what_dies_before_its_commit_has_done_nothing(clock: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await clock.schedule()
    clock.at(START + HOUR)
    payload = FireSchedule(schedule_id=made.id, due_at=START + HOUR)

    async def die(*_: Any, **__: Any) -> bool:
        raise _PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(Schedules, "claim", die)
        with pytest.raises(_PowerCutError):
            await fire(await system(clock, made), payload)
    assert await clock.runs_of(made.id) == []
    assert await clock.firings(made) == []
    await clock.work()
    assert len(await clock.runs_of(made.id)) == 1
    assert await clock.outcomes(made) == [("01:00", FIRED)]


async def test_after_a_downtime_it_fires_once_and_says_so(clock: Clockwork) -> None:
    made = await clock.schedule()
    clock.at("2026-05-01T05:30:00+00:00")
    await clock.work()
    (firing,) = await clock.firings(made)
    assert (firing.status, firing.due_at, firing.missed) == (CAUGHT_UP, START + HOUR, 4)
    assert (await clock.seen(made)).next_fire_at == START + 6 * HOUR
    assert clock.told(ScheduleFired)[0].missed == 4
    clock.at("2026-09-01T00:00:00+00:00")
    await clock.end_runs()
    await clock.work()
    assert (await clock.firings(made))[-1].missed == 100
    assert len(await clock.runs_of(made.id)) == 2


async def test_it_need_not_catch_up(clock: Clockwork) -> None:
    made = await clock.schedule(catch_up="none")
    clock.at("2026-05-01T05:30:00+00:00")
    await clock.work()
    (firing,) = await clock.firings(made)
    assert (firing.status, firing.code, firing.missed, firing.run_id) == (SKIPPED, "missed", 4, None)
    await clock.pass_time(HOUR)
    assert await clock.outcomes(made) == [("01:00", SKIPPED), ("06:00", FIRED)]


async def test_a_minute_late_is_on_time_and_loses_no_moment(clock: Clockwork) -> None:
    made = await clock.schedule(text="every minute", overlap="allow")
    clock.at(START + timedelta(minutes=2))
    await clock.work()
    assert await clock.outcomes(made) == [("00:01", FIRED), ("00:02", FIRED)]


async def test_an_unfinished_run_is_waited_for(clock: Clockwork) -> None:
    made = await clock.schedule()
    await clock.pass_time(2 * HOUR)
    assert await clock.outcomes(made) == [("01:00", FIRED), ("02:00", SKIPPED)]
    assert (await clock.firings(made))[-1].code == "overlap"
    await clock.end_runs()
    await clock.pass_time(HOUR)
    assert (await clock.outcomes(made))[-1] == ("03:00", FIRED)
    assert (await clock.seen(made)).firings == 2


async def test_runs_may_overlap_where_that_is_wanted(clock: Clockwork) -> None:
    made = await clock.schedule(overlap="allow")
    await clock.pass_time(3 * HOUR)
    assert len(await clock.runs_of(made.id)) == 3


async def test_a_refused_start_is_on_record_and_the_schedule_goes_on(clock: Clockwork) -> None:
    agent = await clock.agent()
    made = await clock.schedule(agent_id=agent.id)
    await clock.call(agents.update, agent_id=agent.id, status="paused")
    await clock.pass_time(4 * HOUR)
    outcomes = await clock.firings(made)
    assert {(firing.status, firing.code, firing.run_id) for firing in outcomes} == {(FAILED, "conflict", None)}
    assert "paused" in str(outcomes[0].error)
    assert len(outcomes) == len(clock.told(ScheduleFailed)) == 4
    assert [news.failures for news in clock.told(ScheduleFailing)] == [3]
    (item,) = (await clock.call(notifications.inbox, kind="schedule_failing")).items
    assert (item.subject_kind, item.subject_id, item.level) == ("schedule", str(made.id), "error")
    await clock.call(agents.update, agent_id=agent.id, status="active")
    await clock.pass_time(HOUR)
    seen = await clock.seen(made)
    assert (seen.failures, seen.firings) == (0, 1)


async def test_only_a_published_workflow_is_started(clock: Clockwork) -> None:
    draft = await clock.call(workflows.create, name="tidy", nodes=[{"id": "start", "kind": "trigger"}])
    made = await clock.schedule(workflow_id=draft.id, agent_id=None)
    await clock.pass_time(HOUR)
    (refused,) = await clock.firings(made)
    assert (refused.status, refused.code) == (FAILED, "workflow_not_published")
    await clock.call(workflows.update, workflow_id=draft.id, status="published")
    await clock.pass_time(HOUR)
    (run,) = await clock.runs_of(made.id)
    assert (run.workflow_id, run.trigger, run.input) == (draft.id, Trigger.SCHEDULE, {"task": "Look around."})
    assert await clock.outcomes(made) == [("01:00", FAILED), ("02:00", FIRED)]


async def test_budget_and_a_lost_target_are_named(clock: Clockwork) -> None:
    agent = await clock.agent(budget_per_run=0)
    made = await clock.schedule(agent_id=agent.id)
    await clock.pass_time(HOUR)
    await clock.call(agents.delete, agent_id=agent.id)
    await clock.pass_time(HOUR)
    assert [firing.code for firing in await clock.firings(made)] == ["budget_exceeded", "not_found"]


async def test_an_error_nobody_foresaw_is_a_failed_firing_too(
    clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await clock.schedule()

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("interlock.domains.schedules.firing.launch", broken)
    await clock.pass_time(HOUR)
    (firing,) = await clock.firings(made)
    assert (firing.status, firing.code, firing.error) == (FAILED, "internal", "ZeroDivisionError: division by zero")
    assert (await clock.seen(made)).next_fire_at == START + 2 * HOUR


async def test_it_ends_after_its_most_firings(clock: Clockwork) -> None:
    made = await clock.schedule(max_firings=2, overlap="allow")
    await clock.pass_time(DAY)
    seen = await clock.seen(made)
    assert (seen.status, seen.end_reason, seen.next_fire_at, seen.firings) == (
        ScheduleStatus.EXHAUSTED,
        EndReason.MAX_FIRINGS,
        None,
        2,
    )
    assert await clock.waiting_jobs() == 0


async def test_it_ends_when_it_expires(clock: Clockwork) -> None:
    made = await clock.schedule(expires_at="2026-05-01T02:30:00Z", overlap="allow")
    await clock.pass_time(DAY)
    seen = await clock.seen(made)
    assert (seen.status, seen.end_reason, seen.firings) == (ScheduleStatus.EXHAUSTED, EndReason.EXPIRED, 2)


async def test_what_expired_during_a_downtime_is_not_made_up_for(clock: Clockwork) -> None:
    made = await clock.schedule(expires_at="2026-05-01T02:30:00Z")
    clock.at(START + DAY)
    await clock.work()
    (firing,) = await clock.firings(made)
    assert (firing.status, firing.code) == (SKIPPED, "expired")
    assert (await clock.seen(made)).end_reason is EndReason.EXPIRED


async def test_one_moment_is_served_once(clock: Clockwork) -> None:
    made = await clock.schedule(kind="one_shot", spec="2026-05-01T08:00:00+02:00")
    await clock.pass_time(DAY)
    assert await clock.outcomes(made) == [("06:00", FIRED)]
    seen = await clock.seen(made)
    assert (seen.status, seen.end_reason) == (ScheduleStatus.EXHAUSTED, EndReason.COMPLETED)


async def test_a_clock_that_is_put_back_fires_nothing_twice(clock: Clockwork) -> None:
    made = await clock.schedule(overlap="allow")
    await clock.pass_time(2 * HOUR)
    clock.at(START + timedelta(minutes=30))
    await clock.call(schedules.pause, schedule_id=made.id)
    resumed = await clock.call(schedules.resume, schedule_id=made.id)
    assert resumed.next_fire_at == START + HOUR
    await clock.pass_time(3 * HOUR)
    assert await clock.outcomes(made) == [("01:00", FIRED), ("02:00", FIRED), ("03:00", FIRED)]
    assert len(await clock.runs_of(made.id)) == 3


async def test_a_clock_that_ran_ahead_is_forgotten(clock: Clockwork) -> None:
    made = await clock.schedule(overlap="allow")
    clock.at("2031-01-01T00:00:30+00:00")
    await clock.work()
    clock.at(START + timedelta(minutes=30))
    assert str((await clock.seen(made)).next_fire_at) == "2031-01-01 01:00:00+00:00"
    await schedule_jobs.tidy(root(clock))
    assert (await clock.seen(made)).next_fire_at == START + HOUR
    await clock.pass_time(2 * HOUR)
    assert await clock.outcomes(made) == [("01:00", CAUGHT_UP), ("02:00", FIRED)]


async def test_a_schedule_that_lost_its_job_gets_another(clock: Clockwork) -> None:
    made = await clock.schedule()
    async with (await clock.server.ctx()).begin() as ctx:
        await (await ctx.session()).execute(delete(job_rows).where(job_rows.c.handler == "schedules.fire"))
    clock.at(START + 3 * HOUR + timedelta(minutes=30))
    await clock.work()
    assert await clock.firings(made) == []
    await schedule_jobs.recover(root(clock))
    await schedule_jobs.recover(root(clock))
    assert await clock.waiting_jobs() == 1
    await clock.work()
    assert await clock.outcomes(made) == [("01:00", CAUGHT_UP)]


async def test_old_firings_are_forgotten(clock: Clockwork) -> None:
    made = await clock.schedule(text="daily", overlap="allow")
    await clock.pass_time(40 * DAY)
    assert len(await clock.firings(made)) == 40
    await schedule_jobs.tidy(root(clock))
    assert len(await clock.firings(made)) == 30


async def test_it_keeps_its_local_time_over_a_clock_change(clock: Clockwork) -> None:
    clock.at("2026-10-24T00:00:00+00:00")
    made = await clock.schedule(text="every day at 2:30", time_zone="Europe/Berlin", overlap="allow")
    await clock.pass_time(3 * DAY)
    assert await clock.outcomes(made) == [("00:30", FIRED), ("00:30", FIRED), ("01:30", FIRED)]


async def test_a_state_that_moved_on_leaves_a_late_job_without_work(clock: Clockwork) -> None:
    made = await clock.schedule()
    async with (await clock.server.ctx()).begin() as ctx:
        later = update(table).values(next_fire_at=START + 5 * HOUR)
        await (await ctx.session()).execute(later)
    clock.at(START + HOUR)
    await clock.work()
    assert await clock.firings(made) == []


async def system(clock: Clockwork, made: Any) -> Ctx:
    """The context of a job in the schedule's workspace."""
    workspace = (await clock.server.ctx()).workspace_id
    return Ctx(clock.server.runtime, SYSTEM, workspace, ALL_SCOPES, request_id="job", face="jobs")


def root(clock: Clockwork) -> Ctx:
    """The context of daily work."""
    return Ctx(clock.server.runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="daily", face="jobs")
