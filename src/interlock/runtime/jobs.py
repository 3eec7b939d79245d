"""The outbox: events and jobs leave with their transaction, are delivered at least once, and wait out failures."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, TypeVar

import structlog
from pydantic import BaseModel
from sqlalchemy import Column, Index, Integer, String, Table, bindparam, delete, insert, select, update
from sqlalchemy.engine import Row

from interlock.kit.ids import TypedId
from interlock.runtime import tables
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, Runtime, WorkspaceId
from interlock.runtime.events import Event

log = structlog.get_logger(__name__)

PayloadT = TypeVar("PayloadT", bound=BaseModel)
Wanted = Callable[[Ctx], Awaitable[bool]]
Handler = Callable[[Ctx, Any], Awaitable[None]]

PURGE = "jobs.purge"
_CONCURRENCY = 16
_LEASE = timedelta(minutes=1)
_IDLE_SECONDS = 5.0
_TROUBLE_SECONDS = 1.0
_FIRST_RETRY = timedelta(seconds=1)
_LONGEST_RETRY = timedelta(hours=1)
_MOST_DOUBLINGS = 12
_DEAD_KEPT = timedelta(days=30)
_DEAD_BATCH = 1000


class JobId(TypedId):
    """One piece of work to do later."""

    prefix: ClassVar[str] = "job"


class JobState(StrEnum):
    """A job waits, or has failed too often; a finished one is gone."""

    WAITING = "waiting"
    DEAD = "dead"


_state, _state_check = tables.state("state", JobState)
job_rows = Table(
    "jobs",
    tables.metadata,
    tables.key(),
    tables.guid(JobId),
    tables.reference("workspace_id", WorkspaceId),
    Column("handler", String(120), nullable=False),
    Column("payload", tables.Json, nullable=False),
    tables.moment("run_at"),
    Column("leased_by", String(80)),
    Column("attempts", Integer, nullable=False),
    Column("last_error", String(2000)),
    _state,
    _state_check,
    Index("ix_jobs_state_run_at", "state", "run_at"),
)

_DUE = (
    select(job_rows)
    .where(job_rows.c.state == JobState.WAITING, job_rows.c.run_at <= bindparam("now"))
    .order_by(job_rows.c.run_at)
    .limit(_CONCURRENCY)
    .with_for_update(skip_locked=True)
)
_NEXT = select(job_rows.c.run_at).where(job_rows.c.state == JobState.WAITING).order_by(job_rows.c.run_at).limit(1)
_RENEW = (
    update(job_rows)
    .where(job_rows.c.id == bindparam("key"), job_rows.c.leased_by == bindparam("server"))
    .values(run_at=bindparam("until"))
)
_TAKE_BACK = (
    update(job_rows).where(job_rows.c.leased_by == bindparam("server")).values(leased_by=None, run_at=bindparam("now"))
)
_DONE = delete(job_rows).where(job_rows.c.id == bindparam("key"))
_WITHDRAW = delete(job_rows).where(job_rows.c.guid == bindparam("guid", type_=job_rows.c.guid.type))
_LONG_DEAD = (
    select(job_rows.c.id)
    .where(job_rows.c.state == JobState.DEAD, job_rows.c.run_at < bindparam("before"))
    .limit(bindparam("most"))
)
_DROP_LONG_DEAD = delete(job_rows).where(job_rows.c.id.in_(_LONG_DEAD)).returning(job_rows.c.id)


async def drop_dead(ctx: Ctx) -> None:
    """Delete the jobs that failed for the last time a month ago."""
    values = {"before": ctx.now - _DEAD_KEPT, "most": _DEAD_BATCH}
    dropped = _DEAD_BATCH
    while dropped == _DEAD_BATCH:  # in between, others may write
        async with ctx.begin() as unit:
            dropped = len((await (await unit.session()).execute(_DROP_LONG_DEAD, values)).all())


@dataclass(frozen=True, slots=True)
class _Registration:
    payload: type[BaseModel]
    handler: Handler
    attempts: int


class Jobs:
    """Registers handlers, enqueues in a unit of work, and runs what is due."""

    def __init__(self) -> None:
        self._handlers: dict[str, _Registration] = {}
        self._subscribers: dict[str, list[tuple[str, Wanted | None]]] = defaultdict(list)
        self._wake = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._stopping = False
        self._renewed = datetime.min.replace(tzinfo=UTC)

    def register(
        self,
        name: str,
        payload: type[PayloadT],
        handler: Callable[[Ctx, PayloadT], Awaitable[None]],
        *,
        attempts: int = 12,
    ) -> None:
        """Name a handler; it must be safe to repeat."""
        if name in self._handlers:
            raise ValueError(f"job {name} is registered twice")
        self._handlers[name] = _Registration(payload, handler, attempts)

    def subscribe(
        self,
        event: type[PayloadT],
        name: str,
        handler: Callable[[Ctx, PayloadT], Awaitable[None]],
        *,
        wanted: Callable[[Ctx], Awaitable[bool]] | None = None,
    ) -> None:
        """Have a handler told of an event; an event nobody subscribed to costs nothing.

        Args:
            wanted: asked in the publisher's unit of work whether this workspace's event is of use; answer from memory.
        """
        if not issubclass(event, Event):
            raise TypeError("subscribe to a class of Event")
        self.register(name, event, handler)
        self._subscribers[event.name].append((name, wanted))

    async def publish(self, ctx: Ctx, event: Event) -> None:
        """One job per subscriber, in the same transaction."""
        for name, wanted in self._subscribers.get(event.name, ()):
            if wanted is None or await wanted(ctx):
                await self.enqueue(ctx, name, event)

    async def enqueue(self, ctx: Ctx, name: str, payload: BaseModel, *, at: datetime | None = None) -> JobId:
        """Have a job run once this unit of work is durable, at once or at a given time."""
        key = JobId.new()
        row = {
            "guid": key,
            "workspace_id": ctx.workspace_id,
            "handler": name,
            "payload": payload.model_dump(mode="json"),
            "run_at": at or ctx.now,
            "leased_by": None,
            "attempts": 0,
            "state": JobState.WAITING,
        }
        session = await ctx.session()
        await session.execute(insert(job_rows), row)
        ctx.the_unit().after_commit(self._wake.set)
        return key

    async def withdraw(self, ctx: Ctx, key: JobId) -> None:
        """Have a job not run after all, once this unit of work is durable; one that runs already is not stopped."""
        await (await ctx.session()).execute(_WITHDRAW, {"guid": key})

    async def run(self, runtime: Runtime) -> None:
        """Work until stopped: claim what is due, sleep until the next is or until something new arrives."""
        root = Ctx(runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="jobs", face="jobs")
        has_taken_back = False
        while not self._stopping:
            self._wake.clear()
            try:
                if not has_taken_back:
                    await self._take_back(root)
                    has_taken_back = True
                await self._renew(root)
                for row in await self._claim(root):
                    task = asyncio.create_task(self._perform(root, row))
                    self._running[row.id] = task
                    task.add_done_callback(partial(self._ended, row.id))
                idle = await self._idle_for(root)
            except Exception as error:
                log.warning("the job worker cannot use the database; it tries again", exc_info=error)
                idle = _TROUBLE_SECONDS
            if len(self._running) >= _CONCURRENCY:
                await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), idle)

    async def stop(self) -> None:
        """Take no more, and wait for what runs."""
        self._stopping = True
        self._wake.set()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=10)

    def _ended(self, key: int, _task: asyncio.Task[None]) -> None:
        del self._running[key]

    async def _take_back(self, root: Ctx) -> None:
        """What is leased in this server's name at its start was in the hands of its former self, which died."""
        async with root.begin() as unit:
            await (await unit.session()).execute(_TAKE_BACK, {"now": root.now, "server": root.runtime.server})

    async def _renew(self, root: Ctx) -> None:
        """Keep the leases of running jobs well ahead of their end."""
        if not self._running or root.now < self._renewed + _LEASE / 3:
            return
        until = root.now + _LEASE
        async with root.begin() as unit:
            session = await unit.session()
            for key in tuple(self._running):  # one may end while another is renewed
                await session.execute(_RENEW, {"key": key, "until": until, "server": root.runtime.server})
        self._renewed = root.now

    async def _claim(self, root: Ctx) -> list[Row[Any]]:
        """Due jobs, leased: those of a worker that died come back when the lease ends."""
        async with root.begin(write=False) as looking:
            if await self._idle_for(looking) > 0:
                return []
        async with root.begin() as claiming:
            session = await claiming.session()
            due = (await session.execute(_DUE, {"now": root.now})).all()
            rows = [row for row in due if row.id not in self._running]  # one of ours is due again before it has ended
            if rows:
                await session.execute(
                    update(job_rows)
                    .where(job_rows.c.id.in_([row.id for row in rows]))
                    .values(run_at=root.now + _LEASE, leased_by=root.runtime.server)
                )
        return rows

    async def _idle_for(self, ctx: Ctx) -> float:
        """Seconds until the next job is due, zero when one is."""
        if ctx.unit is None:
            async with ctx.begin(write=False) as looking:
                return await self._idle_for(looking)
        session = await ctx.session()
        due: datetime | None = (await session.execute(_NEXT)).scalar()
        if due is None:
            return _IDLE_SECONDS
        return min(max((due - ctx.now).total_seconds(), 0.0), _IDLE_SECONDS)

    async def _perform(self, root: Ctx, row: Row[Any]) -> None:
        ctx = Ctx(root.runtime, SYSTEM, row.workspace_id, ALL_SCOPES, request_id=str(row.guid), face="jobs")
        try:
            await self._attempt(ctx, row)
        except Exception as error:
            log.warning("how a job ended could not be written; it runs again", job=str(row.guid), exc_info=error)

    async def _attempt(self, ctx: Ctx, row: Row[Any]) -> None:
        registration = self._handlers.get(row.handler)
        try:
            if registration is None:
                raise LookupError(f"no handler is registered for job {row.handler}")
            await registration.handler(ctx, registration.payload.model_validate(row.payload))
        except Exception as error:
            log.warning("job failed", job=str(row.guid), handler=row.handler, attempt=row.attempts + 1, exc_info=error)
            await self._postpone(ctx, row, error, registration.attempts if registration else 1)
            return
        async with ctx.begin() as finishing:
            await (await finishing.session()).execute(_DONE, {"key": row.id})

    async def _postpone(self, ctx: Ctx, row: Row[Any], error: Exception, attempts: int) -> None:
        made = row.attempts + 1
        delay = min(_FIRST_RETRY * 2 ** min(made - 1, _MOST_DOUBLINGS), _LONGEST_RETRY)
        values = {
            "attempts": made,
            "run_at": ctx.now + delay,
            "leased_by": None,
            "last_error": f"{type(error).__name__}: {error}"[:2000],
            "state": JobState.DEAD if made >= attempts else JobState.WAITING,
        }
        async with ctx.begin() as failing:
            await (await failing.session()).execute(update(job_rows).where(job_rows.c.id == row.id).values(**values))
