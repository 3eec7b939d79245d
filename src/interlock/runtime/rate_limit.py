"""Fixed-window request limits per subject: in memory for one server, in a PostgreSQL table for many.

Neither trusts a wall clock to go forward: memory counts by the monotonic clock, and in PostgreSQL a window that lies in
the future is begun anew instead of waited for.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import DDL, BigInteger, Column, Integer, String, Table, bindparam, case, cast, delete, event, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import ColumnElement

from interlock.runtime import tables
from interlock.runtime.context import Runtime
from interlock.runtime.database import Database

WINDOW_SECONDS = 60
_MOST_SUBJECTS = 100_000
_MOST_REFUSED = 10_000
_HITS_BETWEEN_PURGES = 1_000

rate_rows = Table(
    "rate_counters",
    tables.metadata,
    Column("subject", String(400), primary_key=True),
    Column("window_start", BigInteger, nullable=False, index=True),
    Column("hits", Integer, nullable=False),
)
# Counters need not survive a crash of the database, and without a log they cost half.
_unlogged = DDL("ALTER TABLE rate_counters SET UNLOGGED")  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
event.listen(rate_rows, "after_create", _unlogged.execute_if(dialect="postgresql"))


@dataclass(frozen=True, slots=True)
class RateState:
    """Where a subject stands after a hit; `retry_after` is zero unless the limit is exceeded."""

    limit: int
    remaining: int
    reset_epoch_seconds: int
    retry_after: int

    @property
    def exceeded(self) -> bool:
        """Whether this hit was one too many."""
        return self.retry_after > 0


class Limiter(Protocol):
    """Counts hits."""

    async def hit(self, subject: str, limit: int) -> RateState:
        """Count one hit of a subject (a key, a client, an address) and tell where it stands."""
        ...


class MemoryLimiter:
    """Counts in this process; a subject's window begins at its first hit.

    Args:
        window: seconds.
        most: subjects remembered at a time; beyond it the one whose window began first is forgotten.
    """

    def __init__(
        self,
        *,
        window: int = WINDOW_SECONDS,
        most: int = _MOST_SUBJECTS,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._window = window
        self._most = most
        self._monotonic = monotonic
        self._wall = wall
        # In order of the windows' beginnings, because a window begun anew is inserted anew. A plain dict would scan the
        # places of all that it forgot to find its oldest entry.
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def hit(self, subject: str, limit: int) -> RateState:
        """Count one hit; no other task runs between reading and counting."""
        now = self._monotonic()
        start, hits = self._windows.get(subject, (now, 0))
        if now - start >= self._window:
            del self._windows[subject]
            start, hits = now, 0
        self._windows[subject] = (start, hits + 1)
        self._forget(now)
        return _state(limit, hits + 1, start + self._window - now, self._wall())

    def _forget(self, now: float) -> None:
        """Drop at most two windows that are over, so that old ones go faster than new ones come."""
        for _ in range(2):
            oldest = next(iter(self._windows))
            if now - self._windows[oldest][0] < self._window and len(self._windows) <= self._most:
                return
            del self._windows[oldest]

    def __len__(self) -> int:
        """How many subjects are remembered."""
        return len(self._windows)


class PostgresLimiter:
    """Counts in the database that many servers share; windows begin at multiples of their length."""

    def __init__(self, database: Database, *, window: int = WINDOW_SECONDS) -> None:
        self._database = database
        self._window = window
        self._hits = 0
        # A flood is answered from here, without a write for each refused request.
        self._refused: dict[str, tuple[float, int]] = {}
        now = func.extract("epoch", func.clock_timestamp())
        start: ColumnElement[int] = cast(func.floor(now / window), BigInteger) * window
        fresh = insert(rate_rows).values(subject=bindparam("subject"), window_start=start, hits=1)
        self._count = fresh.on_conflict_do_update(
            index_elements=[rate_rows.c.subject],
            set_={
                "hits": case((rate_rows.c.window_start == fresh.excluded.window_start, rate_rows.c.hits + 1), else_=1),
                "window_start": fresh.excluded.window_start,
            },
        ).returning(rate_rows.c.hits, rate_rows.c.window_start, now.label("now"))
        self._purge = delete(rate_rows).where(rate_rows.c.window_start < start - window)

    async def hit(self, subject: str, limit: int) -> RateState:
        """Count one hit in a short transaction of its own."""
        known = self._refused.get(subject)
        if known is not None:
            until, refused_limit = known
            if time.monotonic() < until and limit <= refused_limit:
                return _state(limit, limit + 1, until - time.monotonic(), time.time())
            del self._refused[subject]
        session = await self._database.begin(write=True)
        try:
            row = (await session.execute(self._count, {"subject": subject})).one()
            self._hits += 1
            if self._hits % _HITS_BETWEEN_PURGES == 0:
                await session.execute(self._purge)
            await session.commit()
        except BaseException:
            await session.rollback()
            raise
        now = float(row.now)
        state = _state(limit, row.hits, row.window_start + self._window - now, now)
        if state.exceeded:
            if len(self._refused) >= _MOST_REFUSED:
                self._refused.clear()
            self._refused[subject] = (time.monotonic() + row.window_start + self._window - now, limit)
        return state


@dataclass(frozen=True, slots=True)
class _PostgresLimiterOf:
    """A key by which a runtime keeps the one limiter of its database."""

    database: Database

    def __call__(self) -> PostgresLimiter:
        return PostgresLimiter(self.database)


def limiter_for(runtime: Runtime) -> Limiter:
    """The limiter of this server: shared through PostgreSQL where there is one, else in memory."""
    if runtime.database.is_postgres:
        return runtime.local(_PostgresLimiterOf(runtime.database))
    return runtime.local(MemoryLimiter)


def _state(limit: int, hits: int, left: float, wall: float) -> RateState:
    return RateState(
        limit=limit,
        remaining=max(limit - hits, 0),
        reset_epoch_seconds=math.ceil(wall + left),
        retry_after=max(math.ceil(left), 1) if hits > limit else 0,
    )
