"""Point reads and committed single-row writes through a repository, beside raw sqlite3 doing the same."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import uvloop
from sqlalchemy import Column, Integer, MetaData, String, Table

from benchmarks.figures import Figure, median
from benchmarks.processes import scratch
from interlock.kit.clock import SystemClock
from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.runtime import tables
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Ctx, Runtime, WorkspaceId
from interlock.runtime.database import SqliteDatabase
from interlock.runtime.durable.embedded import EmbeddedDurable
from interlock.runtime.events import Streams
from interlock.runtime.http import GuardedHttp
from interlock.runtime.jobs import Jobs
from interlock.runtime.repository import Repository
from interlock.runtime.secrets import load_secrets
from interlock.runtime.settings import Settings

ROW = "data layer"
READS_AIM = 8_000
WRITES_AIM = 5_000
_ROWS = 1_000
_NOTE = "A unit of work per read or write, rows of six columns in WAL mode, through typed columns into a frozen view."


class ItemId(TypedId):
    """A row of the measured table."""

    prefix: ClassVar[str] = "item"


items = Table(
    "items",
    MetaData(),
    tables.key(),
    tables.guid(ItemId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    Column("size", Integer, nullable=False),
    tables.money("price"),
)


class Item(View):
    """What the repository returns."""

    id: ItemId
    number: int
    workspace_id: WorkspaceId
    name: str
    size: int
    price: Decimal


class Items(Repository[Item]):
    """The measured repository."""

    table = items
    view = Item
    thing = "item"


def run(seconds: float, repetitions: int) -> list[Figure]:
    """Interleave the repository with raw sqlite3."""
    with scratch() as folder:
        samples = uvloop.run(_measure(folder, seconds / 2, repetitions))
    reads, raw_reads, writes, raw_writes = (median(column) for column in zip(*samples, strict=True))
    return [
        Figure(ROW, "point reads", reads, "/s", READS_AIM, True, "raw sqlite3", raw_reads, note=_NOTE),
        Figure(ROW, "committed writes", writes, "/s", WRITES_AIM, True, "raw sqlite3", raw_writes, note=_NOTE),
    ]


async def _measure(folder: Path, seconds: float, repetitions: int) -> list[tuple[float, float, float, float]]:
    settings = Settings(data_dir=folder, database_url=None)
    database = SqliteDatabase(folder / "layer.db")
    items.metadata.create_all(database.engine)
    runtime = Runtime(
        settings, database, load_secrets(folder, None), SystemClock(), Streams(), Jobs(), EmbeddedDurable(),
        GuardedHttp(settings),
    )  # fmt: skip
    ctx = Ctx(runtime, SYSTEM, WorkspaceId.new(), ALL_SCOPES, request_id="bench", face="bench")
    keys = [await _write(ctx, number) for number in range(_ROWS)]
    raw = _Raw(folder / "raw.db")
    raw_keys = [raw.write(number) for number in range(_ROWS)]
    samples = []
    for _ in range(repetitions):
        sample = (
            await _rate(lambda number: _read(ctx, keys[number % _ROWS]), seconds),
            _raw_rate(lambda number: raw.read(raw_keys[number % _ROWS]), seconds),
            await _rate(lambda number: _write(ctx, number), seconds),
            _raw_rate(raw.write, seconds),
        )
        samples.append(sample)
    await database.close()
    await runtime.http.close()
    return samples


async def _read(ctx: Ctx, key: ItemId) -> Item:
    async with ctx.begin(write=False) as reading:
        return await Items(reading).get(key)


async def _write(ctx: Ctx, number: int) -> ItemId:
    async with ctx.begin() as writing:
        added = await Items(writing).add(ItemId.new(), name="a row like many", size=number, price=Decimal("0.0125"))
    return added.id


async def _rate(action: Callable[[int], Coroutine[Any, Any, object]], seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        await action(done)
        done += 1
        if done % 100 == 0:
            await asyncio.sleep(0)
    return done / elapsed


def _raw_rate(action: Callable[[int], object], seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        action(done)
        done += 1
    return done / elapsed


class _Raw:
    """The same table, pragmas and statements, with nothing in between."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-16000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, guid CHAR(32) NOT NULL UNIQUE, workspace_id CHAR(32) NOT NULL,"
            " name VARCHAR(200) NOT NULL, size INTEGER NOT NULL, price BIGINT NOT NULL)"
        )
        self._workspace = ItemId.new().hex

    def read(self, key: str) -> object:
        cursor = self._database.execute("BEGIN")
        row = cursor.execute(
            "SELECT * FROM items WHERE guid = ? AND workspace_id = ?", (key, self._workspace)
        ).fetchone()
        cursor.execute("COMMIT")
        return row

    def write(self, number: int) -> str:
        key = ItemId.new().hex
        cursor = self._database.execute("BEGIN IMMEDIATE")
        cursor.execute(
            "INSERT INTO items (guid, workspace_id, name, size, price) VALUES (?, ?, ?, ?, ?)",
            (key, self._workspace, "a row like many", number, 12_500_000),
        )
        cursor.execute("COMMIT")
        return key
