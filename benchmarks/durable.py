"""How many durable flows of three transact steps one process finishes per second, on either engine."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import cast

from sqlalchemy import Column, String, Table, create_engine, func, insert, select

from interlock.kit.clock import SystemClock
from interlock.runtime import tables
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Ctx, Runtime, WorkspaceId
from interlock.runtime.database import PostgresDatabase, SqliteDatabase
from interlock.runtime.durable import Flow, Json
from interlock.runtime.durable.dbos import DbosDurable
from interlock.runtime.durable.embedded import EmbeddedDurable
from interlock.runtime.durable.engine import JournalEngine
from interlock.runtime.durable.journal import FlowState, flow_rows
from interlock.runtime.events import Streams
from interlock.runtime.http import GuardedHttp
from interlock.runtime.jobs import Jobs
from interlock.runtime.secrets import Secrets
from interlock.runtime.settings import Settings

_PATIENCE = 300.0

notes = Table("benchmark_notes", tables.metadata, tables.key(), Column("text", String(40), nullable=False))
_NOTE = insert(notes)
_DONE = select(func.count()).select_from(flow_rows).where(flow_rows.c.state == FlowState.DONE)


async def _three_steps(flow: Flow, _argument: Json) -> Json:
    async def note(ctx: Ctx) -> Json:
        await (await ctx.session()).execute(_NOTE, {"text": flow.id})
        return {"noted": True}

    for number in range(3):
        await flow.transact(f"note-{number}", note)
    return None


async def measure(*, flows: int = 1000, postgres_url: str | None = None) -> dict[str, float]:
    """Start flows one unit of work each, as a busy server would, and wait until all are done.

    Args:
        flows: how many.
        postgres_url: an empty PostgreSQL database, to measure the DBOS engine there instead of the embedded one.

    Returns:
        Flows per second from the first start to the last end, CPU of this process per flow (a fair figure on a busy
        machine too), and milliseconds of one start.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "interlock.db"
        sync_url = f"sqlite:///{path}"
        if postgres_url is not None:
            sync_url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
        creator = create_engine(sync_url)
        tables.metadata.create_all(creator)
        creator.dispose()
        database = SqliteDatabase(path) if postgres_url is None else PostgresDatabase(postgres_url)
        engine = EmbeddedDurable() if postgres_url is None else DbosDurable(postgres_url)
        engine.register("three", _three_steps)
        runtime = Runtime(
            settings=Settings(data_dir=Path(directory)),
            database=database,
            secrets=Secrets(bytes(32)),
            clock=SystemClock(),
            streams=Streams(),
            jobs=Jobs(),
            durable=engine,
            http=cast("GuardedHttp", None),  # no step of this benchmark reaches outside
        )
        await engine.start_up(runtime)
        try:
            return await _run(engine, runtime, flows)
        finally:
            await engine.shut_down()
            await database.close()


async def _run(engine: JournalEngine, runtime: Runtime, flows: int) -> dict[str, float]:
    ctx = Ctx(runtime, SYSTEM, WorkspaceId.new(), ALL_SCOPES, request_id="benchmark", face="benchmark")
    cpu, began = time.process_time(), time.perf_counter()
    for number in range(flows):
        async with ctx.begin() as inner:
            await engine.start(inner, "three", f"flow-{number}", None)
    started = time.perf_counter()
    done = 0
    async with asyncio.timeout(_PATIENCE):
        while done < flows:
            await asyncio.sleep(0.05)
            async with ctx.begin(write=False) as looking:
                done = (await (await looking.session()).execute(_DONE)).scalar_one()
    ended = time.perf_counter()
    return {
        "flows_per_second": round(flows / (ended - began), 1),
        "cpu_milliseconds_per_flow": round((time.process_time() - cpu) * 1000 / flows, 3),
        "milliseconds_per_start": round((started - began) * 1000 / flows, 3),
    }
