"""How many runs of a workflow one process starts, walks and records per second, on either database."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from interlock import main
from interlock.domains.accounts.service.identify import identify
from interlock.domains.runs.models import runs
from interlock.domains.runs.states import RunStatus
from interlock.domains.workflows import service as workflows
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
_DONE = select(func.count()).where(runs.c.status == RunStatus.COMPLETED)
_PATIENCE = 300.0


async def measure(graph: dict[str, Any], *, number: int, postgres_url: str | None = None) -> dict[str, float]:
    """Start so many runs of a graph, one request each, and wait until all have ended.

    Returns:
        Runs per second from the first start to the last end, and CPU of this process per run.
    """
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings.model_validate({"data_dir": Path(directory) / "data", "database_url": postgres_url})
        async with main.running(settings) as runtime:
            key = await main.first_key(runtime)
            ctx = await identify(runtime, key or "", request_id="bench", face="bench")
            made = await invoke(ctx, workflows.create, workflows.CreateWorkflow.model_validate({"name": "x", **graph}))
            command = workflows.RunWorkflow(workflow_id=made.id, input_data=DATA)
            await invoke(ctx, workflows.run, command)
            await _ended(ctx, 1)
            cpu, began = time.process_time(), time.perf_counter()
            for _ in range(number):
                await invoke(ctx, workflows.run, command)
            await _ended(ctx, number + 1)
            seconds = time.perf_counter() - began
            return {
                "runs_per_second": number / seconds,
                "cpu_milliseconds_per_run": (time.process_time() - cpu) * 1000 / number,
            }


async def _ended(ctx: Ctx, number: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            async with ctx.begin(write=False) as looking:
                if (await (await looking.session()).execute(_DONE)).scalar_one() >= number:
                    return
            await asyncio.sleep(0.02)
