"""Domain events (news for other domains) and event streams (gap-free sequences that people and programs follow)."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, Index, Integer, String, Table, bindparam, delete, func, insert, select, text

from interlock.runtime import tables
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.postgres_news import PostgresNews

_CHANNEL = "interlock_streams"
_BATCH = 200

stream_events = Table(
    "stream_events",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    Column("stream", String(80), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", String(80), nullable=False),
    Column("data", tables.Json, nullable=False),
    tables.moment("at"),
    Index("uq_stream_events_stream_seq", "stream", "seq", unique=True),
)

_LAST = select(func.max(stream_events.c.seq)).where(stream_events.c.stream == bindparam("name"))
_APPEND = insert(stream_events)
_AFTER = (
    select(stream_events)
    .where(
        stream_events.c.stream == bindparam("name"),
        stream_events.c.seq > bindparam("after"),
        stream_events.c.workspace_id == bindparam("workspace"),
    )
    .order_by(stream_events.c.seq)
    .limit(bindparam("most"))
)
_NOTIFY = text("SELECT pg_notify(:channel, :stream)")


class Event(BaseModel):
    """Base of domain events: a fact in the past tense, published through the outbox, delivered at least once."""

    model_config = ConfigDict(frozen=True)

    name: ClassVar[str]


class StreamEvent(BaseModel):
    """One entry of a stream; `seq` counts from 1 without gaps."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    stream: str
    seq: int
    type: str
    data: dict[str, Any]
    at: datetime


class Streams:
    """Append inside a unit of work, follow from anywhere: stored before shown, nothing lost between reconnects."""

    def __init__(self, postgres_url: str | None = None) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._news = None if postgres_url is None else PostgresNews(postgres_url, _CHANNEL, self.wake, self._wake_all)

    async def start(self) -> None:
        """On PostgreSQL, hear of what other servers append."""
        if self._news is not None:
            await self._news.start()

    async def close(self) -> None:
        """Stop listening and let every follower look once more."""
        if self._news is not None:
            await self._news.close()
        self._wake_all()

    def _wake_all(self) -> None:
        for stream in list(self._waiting):
            self.wake(stream)

    async def drop(self, ctx: Ctx, names: Sequence[str]) -> None:
        """Delete whole streams of the workspace."""
        mine = stream_events.c.workspace_id == ctx.workspace_id
        session = await ctx.session()
        await session.execute(delete(stream_events).where(stream_events.c.stream.in_(names), mine))

    async def append(self, ctx: Ctx, stream: str, kind: str, data: dict[str, Any]) -> int:
        """Store the next event of a stream in this unit of work; followers see it once that is durable.

        Returns:
            Its sequence number.
        """
        return await self.append_all(ctx, stream, [(kind, data)])

    async def append_all(self, ctx: Ctx, stream: str, events: Sequence[tuple[str, dict[str, Any]]]) -> int:
        """Store the next events of a stream; as `append`, with the last one's number."""
        session = await ctx.session()
        await session.lock(stream)
        seq: int = (await session.execute(_LAST, {"name": stream})).scalar_one() or 0
        about = {"workspace_id": ctx.workspace_id, "stream": stream, "at": ctx.now}
        rows = [
            {**about, "seq": number, "type": kind, "data": data}
            for number, (kind, data) in enumerate(events, start=seq + 1)
        ]
        if rows:
            await session.execute(_APPEND, rows if len(rows) > 1 else rows[0])
            if session.is_postgres:
                await session.execute(_NOTIFY, {"channel": _CHANNEL, "stream": stream})
            unit = ctx.the_unit()
            unit.streams.add(stream)
            unit.after_commit(lambda: self.wake(stream))
        return seq + len(rows)

    def wake(self, stream: str) -> None:
        """Let the followers of a stream look again."""
        for waiting in self._waiting.get(stream, ()):
            waiting.set()

    async def length(self, ctx: Ctx, stream: str) -> int:
        """How many events a stream has: its last number."""
        return (await (await ctx.session()).execute(_LAST, {"name": stream})).scalar_one() or 0

    async def read(self, ctx: Ctx, stream: str, after: int = 0, *, limit: int = _BATCH) -> list[StreamEvent]:
        """The next events after a sequence number, at most a batch."""
        session = await ctx.session()
        values = {"name": stream, "after": after, "workspace": ctx.workspace_id, "most": limit}
        rows = await session.execute(_AFTER, values)
        return [StreamEvent.model_validate(row) for row in rows]

    async def follow(
        self, ctx: Ctx, stream: str, after: int, *, heartbeat: float = 15.0
    ) -> AsyncIterator[StreamEvent | None]:
        """Every event after a sequence number, then each new one as it comes; None when nothing came for a while.

        Args:
            ctx: without a unit of work; short reading ones are opened as needed.
            heartbeat: seconds of silence after which None is yielded; also the longest a missed wake-up can go unseen.
        """
        waiting = asyncio.Event()
        self._waiting[stream].add(waiting)
        try:
            while True:
                waiting.clear()
                async with ctx.begin(write=False) as reading:
                    batch = await self.read(reading, stream, after)
                for event in batch:
                    after = event.seq
                    yield event
                if batch:
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(waiting.wait(), heartbeat)
                    continue
                yield None
        finally:
            self._waiting[stream].discard(waiting)
            if not self._waiting[stream]:
                del self._waiting[stream]
