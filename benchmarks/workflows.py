"""A whole server in this process with one workflow: how fast it starts, walks and records its runs."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock import main
from interlock.domains.accounts.service.identify import identify
from interlock.domains.runs import service as runs
from interlock.domains.workflows import service as workflows
from interlock.kit.ids import WorkflowId
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.settings import Settings

TRANSFORM = {
    "nodes": [
        {"id": "start", "kind": "trigger"},
        {"id": "shape", "kind": "transform", "config": {"fields": {"n": "{{ input.a * 2 }}"}}},
        {"id": "respond", "kind": "output", "config": {"value": "{{ input }}"}},
    ],
    "edges": [{"source": "start", "target": "shape"}, {"source": "shape", "target": "respond"}],
}  # fmt: skip
THREE_STEPS = {
    "nodes": [{"id": f"step{number}", "kind": "delay", "config": {"seconds": 0}} for number in range(3)],
    "edges": [{"source": f"step{number}", "target": f"step{number + 1}"} for number in range(2)],
}
DATA = {"order": "NW-10482", "a": 21, "items": [{"sku": "A1", "count": 2}]}
_PATIENCE = 300.0
_LOOK_SECONDS = 0.005
_COPIED = (
    ("runs", "guid", "id = (SELECT min(id) FROM runs)"),
    ("run_steps", "run_id", "run_id = (SELECT run_id FROM run_steps ORDER BY id LIMIT 1)"),
    ("stream_events", "stream", "stream = (SELECT stream FROM stream_events ORDER BY id LIMIT 1)"),
    ("durable_flows", "flow_id", "id = (SELECT min(id) FROM durable_flows)"),
)
"""Tables that keep something of every run, the column that tells runs apart there, and the rows of the first run."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a number of runs took, from the first start to the last end; CPU of this process."""

    runs_per_second: float
    cpu_ms: float


class Bench:
    """A workflow that can be run many times."""

    def __init__(self, ctx: Ctx, workflow_id: WorkflowId) -> None:
        self.ctx = ctx
        self._command = workflows.RunWorkflow(workflow_id=workflow_id, input_data=DATA)

    async def measure(self, number: int) -> Pass:
        """Start so many runs, one request each, and wait until all have ended."""
        cpu, began = time.process_time(), time.perf_counter()
        for _ in range(number):
            await invoke(self.ctx, workflows.run, self._command)
        async with asyncio.timeout(_PATIENCE):
            while await self._is_busy():  # noqa: ASYNC110 - nothing tells that the last of many has ended
                await asyncio.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - began
        return Pass(number / seconds, (time.process_time() - cpu) * 1000 / number)

    async def _is_busy(self) -> bool:
        async with self.ctx.begin(write=False) as looking:
            return await runs.has_in_flight(looking, self._command.workflow_id)

    def store(self, number: int) -> None:
        """Have so many more finished runs in the database file: copies of the first, with all that is kept of it."""
        database = sqlite3.connect(self.ctx.settings.data_dir / "interlock.db")
        for table, of_run, first in _COPIED:
            columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})") if name != "id"]
            fresh = {of_run: "printf('%032x', n)"}
            if table == "run_steps":
                fresh["guid"] = "printf('%016x%016x', n, position)"
            values = ", ".join(fresh.get(name, f'"{name}"') for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            database.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number}) "  # noqa: S608 - our own names
                f"INSERT INTO {table} ({names}) SELECT {values} FROM numbers, "
                f"(SELECT * FROM {table} WHERE {first})"
            )
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()


@asynccontextmanager
async def benched(graph: dict[str, Any], *, postgres_url: str | None = None) -> AsyncIterator[Bench]:
    """A fresh server with one workflow that has run once."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings.model_validate({"data_dir": Path(directory) / "data", "database_url": postgres_url})
        async with main.running(settings) as runtime:
            key = await main.first_key(runtime)
            ctx = await identify(runtime, key or "", request_id="bench", face="bench")
            made = await invoke(ctx, workflows.create, workflows.CreateWorkflow.model_validate({"name": "x", **graph}))
            bench = Bench(ctx, made.id)
            await bench.measure(1)
            yield bench
