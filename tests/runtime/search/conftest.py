"""Every test of this folder runs on both databases, on a runtime without any domain."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import create_engine

from interlock.kit.clock import FixedClock
from interlock.runtime import tables
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Ctx, Runtime, WorkspaceId
from interlock.runtime.database import open_database
from interlock.runtime.durable.embedded import EmbeddedDurable
from interlock.runtime.events import Streams
from interlock.runtime.http import GuardedHttp
from interlock.runtime.jobs import Jobs, job_rows
from interlock.runtime.search import DIMENSIONS, Collection, Entry, Hit, Query
from interlock.runtime.search.schema import search_entries, search_work
from interlock.runtime.secrets import load_secrets
from interlock.runtime.settings import Settings
from tests.support.postgres import PostgresServer

START = datetime(2026, 1, 15, 12, tzinfo=UTC)
NOTES = Collection("notes")


def meaning(text: str) -> npt.NDArray[np.float32]:
    """A made-up meaning: a direction of its own for every text."""
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)


@dataclass
class Bench:
    """A runtime, a workspace in it, and an embedder that counts."""

    runtime: Runtime
    clock: FixedClock
    ctx: Ctx
    calls: list[list[str]] = field(default_factory=list)
    has_ai: bool = True

    async def embed(self, ctx: Ctx, texts: Sequence[str]) -> Sequence[npt.NDArray[np.float32]] | None:
        """What a domain registers."""
        if not self.has_ai:
            return None
        self.calls.append(list(texts))
        return [meaning(text) for text in texts]

    async def put(self, *entries: Entry, ctx: Ctx | None = None) -> None:
        """Write in a unit of its own."""
        async with (ctx or self.ctx).begin() as unit:
            await NOTES.put(unit, entries)

    async def remove(self, *numbers: int) -> None:
        """Delete in a unit of its own."""
        async with self.ctx.begin() as unit:
            await NOTES.remove(unit, numbers)

    async def search(
        self,
        text: str,
        *labels: set[str],
        like: str | None = None,
        vector: npt.NDArray[np.float32] | None = None,
        ctx: Ctx | None = None,
        top_k: int = 10,
    ) -> tuple[Hit, ...]:
        """Ask in a reading unit."""
        if like is not None:
            vector = meaning(like)
        async with (ctx or self.ctx).begin(write=False) as unit:
            return await NOTES.search(unit, Query(text, vector, top_k, labels))

    async def numbers(self, text: str, *labels: set[str], like: str | None = None) -> list[int]:
        """The numbers of what is found."""
        return [hit.number for hit in await self.search(text, *labels, like=like)]

    async def work(self) -> None:
        """Run the jobs until none is due."""
        worker = asyncio.create_task(self.runtime.jobs.run(self.runtime))
        async with asyncio.timeout(20):
            while await self.waiting_jobs():  # noqa: ASYNC110 - the worker has no event for tests
                await asyncio.sleep(0.01)
        await self.runtime.jobs.stop()
        await worker
        self.runtime.jobs._stopping = False

    async def waiting_jobs(self) -> int:
        """How many jobs there are."""
        async with self.ctx.begin(write=False) as unit:
            return len((await (await unit.session()).execute(job_rows.select())).all())

    def elsewhere(self) -> Ctx:
        """Another workspace."""
        return self.with_workspace(WorkspaceId.new())

    def with_workspace(self, workspace_id: WorkspaceId) -> Ctx:
        """A workspace's context."""
        return Ctx(self.runtime, SYSTEM, workspace_id, ALL_SCOPES, request_id="test", face="test")


def create_tables(url: str) -> None:
    """What search and jobs need."""
    engine = create_engine(url)
    tables.metadata.create_all(engine, tables=[search_entries, search_work, job_rows])
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """A database with these tables, made once."""
    return postgres_server.ensure_template("search", lambda url: create_tables(url.replace("://", "+psycopg://")))


@asynccontextmanager
async def opened(directory: Path, database_url: str | None) -> AsyncIterator[Bench]:
    """A runtime over a database that has the tables."""
    settings = Settings(data_dir=directory, database_url=database_url)
    clock = FixedClock(START)
    runtime = Runtime(
        settings, open_database(settings), load_secrets(directory, None), clock, Streams(), Jobs(), EmbeddedDurable(),
        GuardedHttp(settings),
    )  # fmt: skip
    made = Bench(runtime, clock, Ctx(runtime, SYSTEM, WorkspaceId.new(), ALL_SCOPES, request_id="t", face="t"))
    NOTES.register(runtime.jobs, made.embed)
    yield made
    await runtime.http.close()
    await runtime.database.close()


@pytest.fixture
async def bench(tmp_path: Path, database_url: str | None) -> AsyncIterator[Bench]:
    """A fresh one."""
    if database_url is None:
        create_tables(f"sqlite:///{tmp_path / 'interlock.db'}")
    async with opened(tmp_path, database_url) as made:
        yield made


TOMORROW = START + timedelta(days=1)
