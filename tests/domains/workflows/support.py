"""Workflows in tests: graphs in few words, and runs followed to their end."""

import asyncio
import itertools
from typing import Any

from interlock.domains.runs.states import LIFECYCLE, RunStatus
from tests.support.app import Server

PATIENCE = 30.0
ENDINGS = frozenset(f"run.{status.value}" for status in RunStatus if LIFECYCLE.is_final(status))


def node(key: str, kind: str, /, **config: Any) -> dict[str, Any]:
    """A node; `on_error` and `retries` are the node's own, everything else is configuration."""
    own: dict[str, Any] = {name: config.pop(name) for name in ("on_error", "retries") if name in config}
    return {"id": key, "kind": kind, "config": config, **own}


def chain(*keys: str) -> list[dict[str, str]]:
    """Edges from each node to the next; `a:b` leaves `a` by its branch `b`."""
    edges = []
    for source, target in itertools.pairwise(keys):
        name, _, branch = source.partition(":")
        edges.append({"source": name, "target": target.partition(":")[0], **({"branch": branch} if branch else {})})
    return edges


async def create(
    server: Server, nodes: list[dict[str, Any]], edges: list[dict[str, str]], **fields: Any
) -> dict[str, Any]:
    """A saved workflow."""
    body = {"name": "test", "nodes": nodes, "edges": edges, **fields}
    answer = await server.post("/api/v1/workflows", body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def start(server: Server, workflow_id: str, data: dict[str, Any] | None = None) -> str:
    """A run by hand."""
    answer = await server.post(f"/api/v1/workflows/{workflow_id}/run", {"input_data": data or {}})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["run_id"])


async def told(server: Server, run_id: str, kinds: frozenset[str] | set[str]) -> str:
    """Wait until a run tells one of these."""
    async with asyncio.timeout(PATIENCE):
        async for event in server.runtime.streams.follow(await server.ctx(), f"run:{run_id}", 0):
            if event is not None and event.type in kinds:
                return event.type
    raise AssertionError


async def ended(server: Server, run_id: str) -> dict[str, Any]:
    """The detail of a run that has come to its end."""
    await told(server, run_id, ENDINGS)
    answer = await server.get(f"/api/v1/runs/{run_id}")
    found: dict[str, Any] = answer.json()
    return found


async def ran(
    server: Server,
    nodes: list[dict[str, Any]],
    edges: list[dict[str, str]],
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A workflow made and run to its end."""
    made = await create(server, nodes, edges, **fields)
    return await ended(server, await start(server, made["id"], data))


def by_node(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The nodes of a run's detail by their ids."""
    return {found["node_id"]: found for found in run["nodes"]}
