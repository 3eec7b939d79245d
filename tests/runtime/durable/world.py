"""A small server for tests of the durable engines: a database, a runtime, an engine, a table that steps write to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from dbos import DBOS
from sqlalchemy import Column, Integer, String, Table, create_engine, func, insert, select

from interlock.kit.clock import Clock, SystemClock
from interlock.runtime import tables
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Ctx, Runtime, WorkspaceId
from interlock.runtime.database import Database, PostgresDatabase, SqliteDatabase
from interlock.runtime.durable import Flow, Json, Step
from interlock.runtime.durable.dbos import DbosDurable
from interlock.runtime.durable.embedded import EmbeddedDurable
from interlock.runtime.durable.engine import JournalEngine
from interlock.runtime.durable.journal import FlowState, flow_rows
from interlock.runtime.events import Streams
from interlock.runtime.http import GuardedHttp
from interlock.runtime.jobs import Jobs
from interlock.runtime.secrets import Secrets
from interlock.runtime.settings import Settings
from tests.support.schema import lay_file

PATIENCE = 20.0
ValueT = TypeVar("ValueT")

marks = Table(
    "test_marks",
    tables.metadata,
    tables.key(),
    Column("flow_id", String(200), nullable=False),
    Column("text", String(200), nullable=False),
    Column("number", Integer, nullable=False, default=0),
)


def mark(flow_id: str, text: str, result: Json = None) -> Step:
    """A step that leaves a row in the database."""

    async def step(ctx: Ctx) -> Json:
        session = await ctx.session()
        await session.execute(insert(marks), {"flow_id": flow_id, "text": text})
        return text if result is None else result

    return step


@dataclass
class Backend:
    """Where a test's truth lives, and which engine runs on it."""

    kind: str
    directory: Path
    url: str | None = None

    def open_database(self) -> Database:
        """A fresh handle."""
        if self.url is not None:
            return PostgresDatabase(self.url, pool=10)
        return SqliteDatabase(self.directory / "interlock.db")

    def create_tables(self) -> None:
        """All tables of the metadata."""
        if self.url is None:
            lay_file(self.directory / "interlock.db")
            return
        engine = create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        tables.metadata.create_all(engine)
        engine.dispose()
        if self.kind == "dbos":
            DBOS.migrate(self.url)

    def engine(self, **options: Any) -> JournalEngine:
        """A fresh engine."""
        if self.kind == "dbos" and self.url is not None:
            return DbosDurable(self.url, heartbeat_seconds=0.2, stale_seconds=1.5, polling_seconds=0.05, **options)
        return EmbeddedDurable(**options)


@dataclass
class World:
    """One running server."""

    backend: Backend
    database: Database
    engine: JournalEngine
    runtime: Runtime
    workspace_id: WorkspaceId = field(default_factory=WorkspaceId.new)

    def ctx(self) -> Ctx:
        """A caller's context."""
        return Ctx(self.runtime, SYSTEM, self.workspace_id, ALL_SCOPES, request_id="test", face="test")

    async def start(self, name: str, flow_id: str, argument: Json = None) -> None:
        """Start a flow in a unit of work of its own."""
        async with self.ctx().begin() as inner:
            await self.engine.start(inner, name, flow_id, argument)

    async def signal(self, flow_id: str, topic: str, payload: Json) -> None:
        """Signal in a unit of work of its own."""
        async with self.ctx().begin() as inner:
            await self.engine.signal(inner, flow_id, topic, payload)

    async def cancel(self, flow_id: str) -> None:
        """Cancel in a unit of work of its own."""
        async with self.ctx().begin() as inner:
            await self.engine.cancel(inner, flow_id)

    async def row(self, flow_id: str) -> Any:
        """The flow's row, or None."""
        async with self.ctx().begin(write=False) as inner:
            session = await inner.session()
            return (await session.execute(select(flow_rows).where(flow_rows.c.flow_id == flow_id))).first()

    async def texts(self, flow_id: str) -> list[str]:
        """What the flow's steps wrote, in order."""
        async with self.ctx().begin(write=False) as inner:
            session = await inner.session()
            statement = select(marks.c.text).where(marks.c.flow_id == flow_id).order_by(marks.c.id)
            return list((await session.execute(statement)).scalars())

    async def count(self, table: Table, **where: Any) -> int:
        """How many rows match."""
        async with self.ctx().begin(write=False) as inner:
            session = await inner.session()
            statement = select(func.count()).select_from(table)
            for name, value in where.items():
                statement = statement.where(table.c[name] == value)
            number: int = (await session.execute(statement)).scalar_one()
            return number

    async def ended(self, flow_id: str) -> FlowState:
        """Wait until a flow has ended."""

        async def look() -> bool:
            row = await self.row(flow_id)
            return row is not None and row.state is not FlowState.RUNNING

        await until(look)
        state: FlowState = (await self.row(flow_id)).state
        return state

    async def all_ended(self, number: int) -> None:
        """Wait until so many flows are done."""

        async def look() -> bool:
            return await self.count(flow_rows, state=FlowState.DONE) >= number

        await until(look)

    async def waits(self, flow_id: str) -> None:
        """Wait until a flow of this server rests in a wait or a sleep."""

        async def look() -> bool:
            flow = self.engine._live.get(flow_id)
            return flow is not None and not flow._slot._held

        await until(look)

    async def crash(self) -> None:
        """Die without a goodbye: every task of the engine is torn down where it stands."""
        self.engine._is_stopping = True
        for task in list(self.engine._tasks):
            task.cancel()
        if self.engine._tasks:
            await asyncio.wait(list(self.engine._tasks))


async def until(look: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Wait for a condition, with a bound."""
    async with asyncio.timeout(patience):
        while not await look():  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.01)  # another process may be what changes it, so there is no event to wait for


async def reaches(get: Callable[[], Awaitable[ValueT]], wanted: ValueT) -> None:
    """Wait until a value is what it should become, with a bound."""

    async def look() -> bool:
        return await get() == wanted

    await until(look)


def runtime_of(database: Database, engine: JournalEngine, directory: Path, clock: Clock | None = None) -> Runtime:
    """The machinery of one test server; the durable engines use neither HTTP nor streams."""
    return Runtime(
        settings=Settings(data_dir=directory),
        database=database,
        secrets=Secrets(bytes(32)),
        clock=clock or SystemClock(),
        streams=Streams(),
        jobs=Jobs(),
        durable=engine,
        http=cast("GuardedHttp", None),
    )


Registrar = Callable[[JournalEngine], None]


@asynccontextmanager
async def server(
    backend: Backend, register: Registrar, *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[World]:
    """A server from start to an orderly stop."""
    database = backend.open_database()
    engine = backend.engine(**options)
    register(engine)
    world = World(backend, database, engine, runtime_of(database, engine, backend.directory, clock))
    await engine.start_up(world.runtime)
    try:
        yield world
    finally:
        await engine.shut_down()
        await database.close()


async def nothing(_flow: Flow, _argument: Json) -> Json:
    """A flow without steps."""
    return None
