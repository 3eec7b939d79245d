"""Request limits: what a caller is told, how windows turn, and what bounds the memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import create_engine, func, insert, select, text, update
from sqlalchemy.pool import NullPool

from interlock.runtime.database import PostgresDatabase
from interlock.runtime.rate_limit import MemoryLimiter, PostgresLimiter, rate_rows


class Clocks:
    """Two clocks a test moves apart."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.wall = 1_700_000_000.0

    def limiter(self, most: int = 100) -> MemoryLimiter:
        """A limiter that reads them."""
        return MemoryLimiter(most=most, monotonic=lambda: self.monotonic, wall=lambda: self.wall)

    def pass_by(self, seconds: float) -> None:
        """Time goes on, on both."""
        self.monotonic += seconds
        self.wall += seconds


async def test_hits_count_down_to_a_refusal_with_the_time_to_wait() -> None:
    clocks = Clocks()
    limiter = clocks.limiter()
    first = await limiter.hit("key", 2)
    assert (first.limit, first.remaining, first.exceeded, first.retry_after) == (2, 1, False, 0)
    assert first.reset_epoch_seconds == 1_700_000_060
    clocks.pass_by(45)
    assert (await limiter.hit("key", 2)).remaining == 0
    over = await limiter.hit("key", 2)
    assert (over.exceeded, over.remaining, over.retry_after) == (True, 0, 15)
    assert over.reset_epoch_seconds == 1_700_000_060


async def test_a_new_window_begins_after_the_old_one() -> None:
    clocks = Clocks()
    limiter = clocks.limiter()
    await limiter.hit("key", 1)
    state = await limiter.hit("key", 1)
    assert state.exceeded
    clocks.pass_by(state.retry_after)
    assert not (await limiter.hit("key", 1)).exceeded


async def test_subjects_do_not_share_a_limit() -> None:
    limiter = Clocks().limiter()
    await limiter.hit("one", 1)
    assert (await limiter.hit("one", 1)).exceeded
    assert not (await limiter.hit("other", 1)).exceeded


async def test_a_wall_clock_set_back_locks_nobody_out() -> None:
    clocks = Clocks()
    limiter = clocks.limiter()
    await limiter.hit("key", 1)
    clocks.wall -= 86_400
    assert (await limiter.hit("key", 1)).retry_after <= 60
    clocks.pass_by(60)
    state = await limiter.hit("key", 1)
    assert not state.exceeded
    assert state.reset_epoch_seconds == int(clocks.wall) + 60


async def test_windows_that_are_over_are_forgotten() -> None:
    clocks = Clocks()
    limiter = clocks.limiter()
    for number in range(50):
        await limiter.hit(f"early {number}", 5)
    clocks.pass_by(61)
    for number in range(50):
        await limiter.hit(f"late {number}", 5)
    assert len(limiter) == 50


async def test_a_flood_of_subjects_does_not_fill_the_memory() -> None:
    limiter = Clocks().limiter(most=20)
    for number in range(500):
        await limiter.hit(f"address {number}", 5)
    assert len(limiter) == 20
    assert (await limiter.hit("address 499", 5)).remaining == 3


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    """A PostgreSQL with the counters' table."""
    engine = create_engine("postgresql+psycopg://" + postgres_url.split("://", 1)[1], poolclass=NullPool)
    rate_rows.create(engine, checkfirst=True)
    engine.dispose()
    database = PostgresDatabase(postgres_url, pool=4)
    yield database
    await database.close()


async def scalar(database: PostgresDatabase, statement: object) -> object:
    """One value, in a transaction of its own."""
    session = await database.begin(write=True)
    value: object = (await session.execute(statement)).scalar()  # type: ignore[arg-type]
    await session.commit()
    return value


@pytest.mark.postgres
async def test_servers_share_a_limit_through_postgres(database: PostgresDatabase) -> None:
    one, two = PostgresLimiter(database, window=3600), PostgresLimiter(database, window=3600)
    states = await asyncio.gather(*(limiter.hit("key", 10) for limiter in [one, two] * 6))
    assert sorted(state.remaining for state in states) == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert sum(state.exceeded for state in states) == 2
    assert len({state.reset_epoch_seconds for state in states}) == 1
    over = await two.hit("key", 10)
    assert 0 < over.retry_after <= 3600


@pytest.mark.postgres
async def test_a_refused_subject_costs_the_database_nothing_until_its_window_ends(database: PostgresDatabase) -> None:
    limiter = PostgresLimiter(database, window=3600)
    states = [await limiter.hit("key", 1) for _ in range(5)]
    assert [state.exceeded for state in states] == [False, True, True, True, True]
    assert await scalar(database, select(rate_rows.c.hits)) == 2
    assert not (await limiter.hit("key", 100)).exceeded


@pytest.mark.postgres
async def test_a_window_left_in_the_future_by_a_clock_set_back_locks_nobody_out(database: PostgresDatabase) -> None:
    limiter = PostgresLimiter(database, window=60)
    await limiter.hit("key", 1)
    future = (
        update(rate_rows).values(window_start=rate_rows.c.window_start + 86_400, hits=50).returning(rate_rows.c.hits)
    )
    await scalar(database, future)
    assert not (await limiter.hit("key", 1)).exceeded


@pytest.mark.postgres
async def test_old_counters_are_purged(database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.runtime.rate_limit._HITS_BETWEEN_PURGES", 2)
    limiter = PostgresLimiter(database)
    await scalar(database, insert(rate_rows).values(subject="old", window_start=0, hits=9).returning(rate_rows.c.hits))
    await limiter.hit("key", 5)
    assert await scalar(database, select(func.count()).select_from(rate_rows)) == 2
    await limiter.hit("key", 5)
    assert await scalar(database, select(func.count()).select_from(rate_rows)) == 1


@pytest.mark.postgres
async def test_the_counters_are_kept_out_of_the_log(database: PostgresDatabase) -> None:
    kind = await scalar(database, text("SELECT relpersistence FROM pg_class WHERE relname = 'rate_counters'"))
    assert kind in {"u", b"u"}
