"""The outbox: delivered at least once, patient with failures, in nobody's way."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import update

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime import jobs
from interlock.runtime.context import ActorKind, Ctx
from interlock.runtime.database import Session
from interlock.runtime.jobs import JobState, job_rows
from tests.runtime.kernel.kernel import SEVERAL_SERVERS, START, Kernel, Painted, add, opened, until


class Work(BaseModel):
    """What a job is told."""

    name: str


class Worker:
    """A handler that notes what it was told and fails as often as it should."""

    def __init__(self, failures: int = 0) -> None:
        self.told: list[str] = []
        self.failures = failures
        self.contexts: list[Ctx] = []

    async def __call__(self, ctx: Ctx, work: Work) -> None:
        self.told.append(work.name)
        self.contexts.append(ctx)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the other side is busy")


async def enqueue(kernel: Kernel, *names: str, handler: str = "tests.work", delay: timedelta = timedelta(0)) -> None:
    async with kernel.ctx().begin() as inner:
        for name in names:
            await kernel.runtime.jobs.enqueue(inner, handler, Work(name=name), at=inner.now + delay)


async def done(kernel: Kernel) -> None:
    async def look() -> bool:
        return await kernel.jobs() == []

    await until(look)


async def attempts_are(kernel: Kernel, number: int) -> Any:
    async def look() -> bool:
        return [row.attempts for row in await kernel.jobs()] == [number]

    await until(look)
    return (await kernel.jobs())[0]


async def test_a_job_runs_in_its_workspace_as_the_system_and_is_gone(kernel: Kernel) -> None:
    worker = Worker()
    kernel.runtime.jobs.register("tests.work", Work, worker)
    async with kernel.working():
        await enqueue(kernel, "one")
        await done(kernel)
    assert worker.told == ["one"]
    (ctx,) = worker.contexts
    assert (ctx.workspace_id, ctx.actor.kind, ctx.unit) == (kernel.workspace_id, ActorKind.SYSTEM, None)


async def test_a_job_of_a_unit_that_failed_never_runs(kernel: Kernel) -> None:
    worker = Worker()
    kernel.runtime.jobs.register("tests.work", Work, worker)
    async with kernel.working():
        with pytest.raises(InterlockError):  # noqa: PT012 - the block is the unit of work
            async with kernel.ctx().begin() as inner:
                await kernel.runtime.jobs.enqueue(inner, "tests.work", Work(name="never"))
                raise InterlockError(Kind.CONFLICT, "no")
        await enqueue(kernel, "after")
        await done(kernel)
    assert worker.told == ["after"]


async def test_a_job_waits_for_its_time(kernel: Kernel) -> None:
    worker = Worker()
    kernel.runtime.jobs.register("tests.work", Work, worker)
    async with kernel.working():
        await enqueue(kernel, "later", delay=timedelta(hours=1))
        await enqueue(kernel, "now")
        await until_told(worker, 1)
        kernel.pass_time(minutes=59)
        await asyncio.sleep(0.05)
        assert worker.told == ["now"]
        kernel.pass_time(minutes=1)
        await done(kernel)
    assert worker.told == ["now", "later"]


async def until_told(worker: Worker, number: int) -> None:
    async def look() -> bool:
        return len(worker.told) >= number

    await until(look)


async def test_a_failing_job_is_repeated_with_growing_patience(kernel: Kernel) -> None:
    worker = Worker(failures=4)
    kernel.runtime.jobs.register("tests.work", Work, worker)
    waits = []
    async with kernel.working():
        await enqueue(kernel, "one")
        for attempt in range(1, 5):
            row = await attempts_are(kernel, attempt)
            assert "the other side is busy" in row.last_error
            waits.append((row.run_at - kernel.clock.now()).total_seconds())
            kernel.pass_time(seconds=waits[-1])
        await done(kernel)
    assert worker.told == ["one"] * 5
    assert waits == [1, 2, 4, 8]


async def test_patience_has_a_bound(kernel: Kernel) -> None:
    kernel.runtime.jobs.register("tests.work", Work, Worker(failures=1), attempts=100)
    await enqueue(kernel, "one")
    async with kernel.ctx().begin() as inner:
        await (await inner.session()).execute(update(job_rows).values(attempts=80))
    async with kernel.working():
        row = await attempts_are(kernel, 81)
    assert row.run_at - START == timedelta(hours=1)


async def test_after_its_last_attempt_a_job_lies_still_and_says_why(kernel: Kernel) -> None:
    worker = Worker(failures=100)
    kernel.runtime.jobs.register("tests.work", Work, worker, attempts=3)
    other = Worker()
    kernel.runtime.jobs.register("tests.other", Work, other)
    async with kernel.working():
        await enqueue(kernel, "one")
        for attempt in (1, 2, 3):
            await attempts_are(kernel, attempt)
            kernel.pass_time(hours=2)
        await enqueue(kernel, "more", handler="tests.other")
        await until_told(other, 1)
        (row,) = await jobs_left(kernel, 1)
    assert worker.told == ["one"] * 3
    assert (row.state, row.attempts) == (JobState.DEAD, 3)
    assert row.last_error == "RuntimeError: the other side is busy"


async def jobs_left(kernel: Kernel, number: int) -> list[Any]:
    async def look() -> bool:
        return len(await kernel.jobs()) == number

    await until(look)
    return await kernel.jobs()


@pytest.mark.parametrize("handler", ["tests.unknown", "tests.work"])
async def test_a_job_nobody_can_do_is_kept_with_its_reason(kernel: Kernel, handler: str) -> None:
    class Stricter(BaseModel):
        """What the handler wants today."""

        number: int

    async def never(_ctx: Ctx, _work: Stricter) -> None:
        raise AssertionError("this must not be reached")

    kernel.runtime.jobs.register("tests.work", Stricter, never, attempts=1)
    async with kernel.working():
        await enqueue(kernel, "one", handler=handler)
        row = await attempts_are(kernel, 1)
    assert row.state is JobState.DEAD
    assert "no handler is registered" in row.last_error or "number" in row.last_error


@pytest.mark.parametrize("batch", [2, 5, 1000])
async def test_the_long_dead_are_dropped_in_batches(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(jobs, "_DEAD_BATCH", batch)
    month = timedelta(days=30)
    await enqueue(kernel, *"abcde", handler="tests.old", delay=-month - timedelta(seconds=1))
    await enqueue(kernel, "late", handler="tests.young", delay=timedelta(seconds=1) - month)
    async with kernel.ctx().begin() as unit:
        await (await unit.session()).execute(update(job_rows).values(state=JobState.DEAD))
    await enqueue(kernel, "waiting", handler="tests.waiting", delay=-2 * month)
    await jobs.drop_dead(kernel.ctx())
    assert {row.handler for row in await kernel.jobs()} == {"tests.young", "tests.waiting"}


async def test_one_bad_job_does_not_hold_the_others(kernel: Kernel) -> None:
    worker = Worker()
    kernel.runtime.jobs.register("tests.work", Work, worker)
    kernel.runtime.jobs.register("tests.bad", Work, Worker(failures=1000))
    async with kernel.working():
        await enqueue(kernel, *(f"bad {index}" for index in range(4)), handler="tests.bad")
        await enqueue(kernel, *(f"good {index}" for index in range(40)))
        await until_told(worker, 40)
    assert Counter(worker.told) == Counter(f"good {index}" for index in range(40))


@pytest.mark.parametrize("heir_name", ["server-of-tests", "another"])
async def test_a_worker_that_died_gives_its_job_back(directory: Path, database_url: str | None, heir_name: str) -> None:
    """At once to the same server when it starts again; to another one when the lease ends."""
    worker = Worker()
    async with opened(directory, database_url) as dying:
        dying.runtime.jobs.register("tests.work", Work, worker)
        await enqueue(dying, "one")
        assert len(await dying.runtime.jobs._claim(dying.ctx())) == 1
    async with opened(directory, database_url, server=heir_name) as heir:
        heir.runtime.jobs.register("tests.work", Work, worker)
        async with heir.working():
            if heir_name == "another":
                heir.pass_time(seconds=50)
                await asyncio.sleep(0.05)
                assert worker.told == []
                heir.pass_time(seconds=20)
            await done(heir)
    assert worker.told == ["one"]


async def test_a_handler_that_takes_longer_than_its_lease_is_not_started_beside_itself(kernel: Kernel) -> None:
    at_work, may_end = asyncio.Event(), asyncio.Event()
    started: list[str] = []

    async def slow(_ctx: Ctx, work: Work) -> None:
        started.append(work.name)
        at_work.set()
        await may_end.wait()

    kernel.runtime.jobs.register("tests.work", Work, slow)
    other = Worker()
    kernel.runtime.jobs.register("tests.other", Work, other)
    async with kernel.working():
        await enqueue(kernel, "slow")
        await at_work.wait()
        for number in (1, 2, 3):
            kernel.pass_time(minutes=6)
            await enqueue(kernel, "quick", handler="tests.other")
            await until_told(other, number)
        may_end.set()
        await done(kernel)
    assert started == ["slow"]


async def test_news_reach_every_subscriber_at_least_once(kernel: Kernel) -> None:
    heard: list[str] = []

    async def first(_ctx: Ctx, event: Painted) -> None:
        heard.append(f"first {event.thing}")

    async def crashes_after_its_work(_ctx: Ctx, event: Painted) -> None:
        heard.append(f"second {event.thing}")
        if len(heard) < 4:
            raise RuntimeError("died before it could say so")

    kernel.runtime.jobs.subscribe(Painted, "tests.first", first)
    kernel.runtime.jobs.subscribe(Painted, "tests.second", crashes_after_its_work)
    async with kernel.working():
        async with kernel.ctx().begin() as inner:
            await inner.emit(Painted(thing="door"))
        while await kernel.jobs():
            kernel.pass_time(minutes=1)
            await asyncio.sleep(0.02)
    assert Counter(heard) == {"first door": 1, "second door": 3}


async def test_news_without_subscribers_cost_nothing(kernel: Kernel) -> None:
    async with kernel.ctx().begin() as inner:
        await inner.emit(Painted(thing="door"))
    assert await kernel.jobs() == []


def test_names_are_unique_and_only_events_are_news(kernel: Kernel) -> None:
    kernel.runtime.jobs.register("tests.work", Work, Worker())
    with pytest.raises(ValueError, match="twice"):
        kernel.runtime.jobs.register("tests.work", Work, Worker())
    with pytest.raises(TypeError, match="Event"):
        kernel.runtime.jobs.subscribe(Work, "tests.news", Worker())


@SEVERAL_SERVERS
async def test_several_servers_share_the_work_without_doing_it_twice(directory: Path, database_url: str | None) -> None:
    worker = Worker()
    async with opened(directory, database_url) as one, opened(directory, database_url) as two:
        for kernel in (one, two):
            kernel.runtime.jobs.register("tests.work", Work, worker)
        await enqueue(one, *(f"job {index}" for index in range(100)))
        async with one.working(), two.working():
            await done(one)
    assert Counter(worker.told) == Counter(f"job {index}" for index in range(100))


async def test_a_handler_may_write_and_enqueue_more(kernel: Kernel) -> None:
    async def chain(ctx: Ctx, work: Work) -> None:
        async with ctx.begin() as inner:
            await add(inner, work.name)
            if len(work.name) < 4:
                await inner.runtime.jobs.enqueue(inner, "tests.work", Work(name=work.name + "x"))

    kernel.runtime.jobs.register("tests.work", Work, chain)
    async with kernel.working():
        await enqueue(kernel, "x")
        await done(kernel)
    assert await kernel.names() == ["x", "xx", "xxx", "xxxx"]


async def test_the_worker_outlives_a_database_that_is_away_for_a_while(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker()
    kernel.runtime.jobs.register("tests.work", Work, worker)
    real = kernel.runtime.database.begin
    is_away = asyncio.Event()
    refused: list[bool] = []

    async def begin(*, write: bool) -> Session:
        if is_away.is_set():
            refused.append(write)
            raise InterlockError(Kind.UNAVAILABLE, "The database is locked.", code="database_locked")
        return await real(write=write)

    async def has_refused() -> bool:
        return bool(refused)

    monkeypatch.setattr(kernel.runtime.database, "begin", begin)
    async with kernel.working():
        await enqueue(kernel, "before")
        await done(kernel)
        is_away.set()
        kernel.pass_time(seconds=1)
        await until(has_refused)
        is_away.clear()
        await enqueue(kernel, "after")
        await done(kernel)
    assert worker.told == ["before", "after"]


async def test_stopping_waits_for_what_runs(kernel: Kernel) -> None:
    at_work = asyncio.Event()
    ended: list[str] = []

    async def slow(_ctx: Ctx, work: Work) -> None:
        at_work.set()
        await asyncio.sleep(0.05)
        ended.append(work.name)

    kernel.runtime.jobs.register("tests.work", Work, slow)
    async with kernel.working():
        await enqueue(kernel, "one")
        await at_work.wait()
    assert ended == ["one"]
    assert await kernel.jobs() == []
