"""A kernel without domains: a runtime over either database, and one table to write to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, create_engine, func, select

from interlock.kit.clock import FixedClock
from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.kit.paging import ListSpec
from interlock.runtime import tables
from interlock.runtime.changes import Changes
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Ctx, Runtime, WorkspaceId
from interlock.runtime.database import open_database
from interlock.runtime.durable import Durable
from interlock.runtime.events import Event, Streams, stream_events
from interlock.runtime.http import GuardedHttp
from interlock.runtime.jobs import Jobs, job_rows
from interlock.runtime.repository import Repository
from interlock.runtime.secrets import Secrets
from interlock.runtime.settings import Settings

START = datetime(2026, 1, 15, 12, tzinfo=UTC)
PATIENCE = 20.0
SEVERAL_SERVERS = pytest.mark.parametrize(  # the lock of the data directory keeps a second server off SQLite
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


class ThingId(TypedId):
    """A thing's identity."""

    prefix: ClassVar[str] = "thing"


class Colour(StrEnum):
    """How a thing stands."""

    RED = "red"
    GREEN = "green"


class Thing(View):
    """What the tests write."""

    id: ThingId
    number: int
    name: str
    colour: Colour
    price: Decimal | None
    made_at: datetime


_metadata = MetaData(naming_convention=tables.metadata.naming_convention)
_colour, _colour_check = tables.state("colour", Colour)
things = Table(
    "things",
    _metadata,
    tables.key(),
    tables.guid(ThingId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(80), nullable=False, unique=True),
    _colour,
    _colour_check,
    tables.money("price", nullable=True),
    tables.moment("made_at"),
)
parts = Table(
    "parts",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("thing_id", ForeignKey("things.id", deferrable=True, initially="DEFERRED"), nullable=False),
)


class Things(Repository[Thing]):
    """Things of a workspace, newest first."""

    table = things
    view = Thing
    thing = "thing"
    listing = ListSpec(filters=frozenset({"colour"}), counted=True)


class Painted(Event):
    """News about a thing."""

    name: ClassVar[str] = "things.painted"

    thing: str


@dataclass
class Kernel:
    """A runtime and what a test needs to look behind it."""

    runtime: Runtime
    clock: FixedClock
    directory: Path
    database_url: str | None
    workspace_id: WorkspaceId = field(default_factory=WorkspaceId.new)

    def ctx(self, workspace_id: WorkspaceId | None = None) -> Ctx:
        """A caller's context."""
        return Ctx(self.runtime, SYSTEM, workspace_id or self.workspace_id, ALL_SCOPES, request_id="test", face="test")

    async def add(self, name: str, **values: Any) -> Thing:
        """A thing, in a unit of work of its own."""
        async with self.ctx().begin() as inner:
            return await add(inner, name, **values)

    async def names(self) -> list[str]:
        """The names of all things that are really there."""
        async with self.ctx().begin(write=False) as inner:
            return list((await (await inner.session()).execute(select(things.c.name).order_by(things.c.id))).scalars())

    async def count(self, table: Table) -> int:
        """How many rows a table has."""
        async with self.ctx().begin(write=False) as inner:
            number: int = (await (await inner.session()).execute(select(func.count()).select_from(table))).scalar_one()
            return number

    async def jobs(self) -> list[Any]:
        """The rows of jobs, oldest first."""
        async with self.ctx().begin(write=False) as inner:
            return list((await (await inner.session()).execute(select(job_rows).order_by(job_rows.c.id))).all())

    def pass_time(self, **by: float) -> None:
        """Move the clock and let the worker look at it."""
        self.clock.advance(timedelta(**by))
        self.runtime.jobs._wake.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A job worker at work."""
        task = asyncio.create_task(self.runtime.jobs.run(self.runtime))
        try:
            yield
        finally:
            await self.runtime.jobs.stop()
            await asyncio.wait_for(task, PATIENCE)


async def add(ctx: Ctx, name: str, **values: Any) -> Thing:
    """A thing, in the caller's unit of work."""
    row = {"colour": Colour.RED, "price": None, "made_at": ctx.now, **values}
    return await Things(ctx).add(ThingId.new(), name=name, **row)


def create_tables(url: str) -> None:
    """The kernel's tables and ours."""
    engine = create_engine(url)
    tables.metadata.create_all(engine, tables=[stream_events, job_rows])
    _metadata.create_all(engine)
    engine.dispose()


@asynccontextmanager
async def opened(
    directory: Path, database_url: str | None, clock: FixedClock | None = None, server: str = "server-of-tests"
) -> AsyncIterator[Kernel]:
    """A runtime over a database that has its tables; several may share one PostgreSQL database."""
    settings = Settings(data_dir=directory, database_url=database_url)
    clock = clock or FixedClock(START)
    runtime = Runtime(
        settings=settings,
        database=open_database(settings),
        secrets=Secrets(bytes(32)),
        clock=clock,
        streams=Streams(database_url),
        jobs=Jobs(),
        durable=cast("Durable", None),
        http=GuardedHttp(settings),
        server=server,
        changes=Changes(database_url),
    )
    await runtime.streams.start()
    await runtime.changes.start()
    try:
        yield Kernel(runtime, clock, directory, database_url)
    finally:
        await runtime.changes.close()
        await runtime.streams.close()
        await runtime.http.close()
        await runtime.database.close()


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, with a bound."""
    async with asyncio.timeout(PATIENCE):
        while not await look():  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.01)  # the worker is what changes it, and has no event for tests
