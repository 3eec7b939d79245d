"""What is kept of rows is never older than the last commit, whoever made it."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

import pytest
from sqlalchemy import Table, create_engine, func, select, text, update

from interlock.runtime.context import Ctx
from interlock.runtime.kept import Kept
from interlock.runtime.unit_of_work import UnitOfWork
from tests.runtime.kernel.kernel import Kernel, add, parts, things

ValueT = TypeVar("ValueT")

COUNT = select(func.count()).select_from(things)
LONG = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n")
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Counted:
    """How many things there are, kept; tells how often that was read."""

    def __init__(self, table: Table = things) -> None:
        self.kept: Kept[str, int] = Kept(table)
        self.reads = 0

    async def read(self, ctx: Ctx) -> int:
        """Ask the database."""
        self.reads += 1
        count: int = (await (await ctx.session()).execute(COUNT)).scalar_one()
        return count

    async def get(self, kernel: Kernel) -> int:
        """Ask in a reading unit of work of its own."""
        async with kernel.ctx().begin(write=False) as ctx:
            return await self.kept.get(ctx, "all", self.read)


async def test_a_change_is_seen_at_once(kernel: Kernel) -> None:
    counted = Counted()
    for expected in range(3):
        assert [await counted.get(kernel) for _ in range(3)] == [expected] * 3
        await kernel.add(f"thing {expected}")
    assert counted.reads == (9 if kernel.runtime.database.is_postgres else 3)


async def test_a_change_by_another_process_is_seen_at_once(kernel: Kernel) -> None:
    """Such as the command line beside the server: another connection, of which this one is not told."""
    counted = Counted()
    await kernel.add("one")
    assert await counted.get(kernel) == 1
    url = kernel.database_url or f"sqlite:///{kernel.directory / 'interlock.db'}"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as other:
        other.execute(things.delete())
    engine.dispose()
    assert await counted.get(kernel) == 0


@ON_SQLITE
async def test_other_tables_may_change(kernel: Kernel) -> None:
    counted = Counted(parts)
    await counted.get(kernel)
    await kernel.add("one")
    await counted.get(kernel)
    assert counted.reads == 1


async def test_a_writer_sees_its_own_change_and_others_see_it_when_it_is_durable(kernel: Kernel) -> None:
    counted = Counted()
    await counted.get(kernel)
    async with kernel.ctx().begin() as writing:
        assert await counted.kept.get(writing, "all", counted.read) == 0
        await add(writing, "one")
        assert await counted.kept.get(writing, "all", counted.read) == 1
        assert await _elsewhere(counted.get(kernel)) == 0
    assert await _elsewhere(counted.get(kernel)) == 1


async def test_what_was_undone_is_not_kept(kernel: Kernel) -> None:
    counted = Counted()
    unit = UnitOfWork(kernel.runtime.database, write=True)
    writing = kernel.ctx().inside(unit)
    await add(writing, "one")
    assert await counted.kept.get(writing, "all", counted.read) == 1
    await unit.rollback()
    assert await counted.get(kernel) == 0


@ON_SQLITE
async def test_a_reader_of_the_past_keeps_nothing(kernel: Kernel) -> None:
    """Its transaction began before the change, so that what it sees is old while the stamp is new."""
    counted = Counted()
    async with kernel.ctx().begin(write=False) as reading:
        assert await counted.read(reading) == 0
        await _elsewhere(kernel.add("one"))
        assert await counted.kept.get(reading, "all", counted.read) == 0
    assert await counted.get(kernel) == 1


@ON_SQLITE
async def test_statements_that_do_not_tell_their_table_count_for_all(kernel: Kernel) -> None:
    counted = Counted()
    await kernel.add("one")
    await counted.get(kernel)
    async with kernel.ctx().begin() as writing:
        await (await writing.session()).execute(text("DELETE FROM things"))
    assert await counted.get(kernel) == 0


@ON_SQLITE
async def test_a_long_statement_of_the_writer_is_not_waited_for(kernel: Kernel) -> None:
    counted = Counted()
    await counted.get(kernel)
    async with kernel.ctx().begin() as writing:
        long = asyncio.create_task((await writing.session()).execute_long(LONG))
        await asyncio.sleep(0)
        assert kernel.runtime.database.stamp(things) is None
        assert await _elsewhere(counted.get(kernel)) == 0
        await long
        assert kernel.runtime.database.stamp(things) is not None
    assert counted.reads == 2


@ON_SQLITE
async def test_changes_of_prepared_statements_count(kernel: Kernel) -> None:
    """From its third execution on a statement goes straight to the driver."""
    counted = Counted()
    await kernel.add("one")
    rename = update(things).values(name=func.upper(things.c.name))
    for _ in range(4):
        await counted.get(kernel)
        async with kernel.ctx().begin() as writing:
            await (await writing.session()).execute(rename)
    await counted.get(kernel)
    assert counted.reads == 5


async def _elsewhere(work: Coroutine[Any, Any, ValueT]) -> ValueT:
    """As another request does it at the same time."""
    return await asyncio.create_task(work, context=Context())
