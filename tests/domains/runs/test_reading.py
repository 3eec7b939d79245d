"""Runs in lists, page by page: by what they are and when they began; steps with long outputs; events; children."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.app import Server
from tests.support.story import finished, write_script

NODES: list[dict[str, Any]] = [
    {"id": "start", "kind": "trigger"},
    {"id": "long", "kind": "transform", "config": {"expression": "input.text"}},
    {"id": "end", "kind": "output", "config": {"value": "ok"}},
]
EDGES = [{"source": "start", "target": "long"}, {"source": "long", "target": "end"}]


async def _workflow(server: Server, name: str, nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> str:
    made = await server.post("/api/v1/workflows", {"name": name, "nodes": nodes, "edges": edges})
    assert made.status_code == 200, made.text
    return str(made.json()["id"])


async def _run(server: Server, workflow_id: str, **given: Any) -> str:
    started = await server.post(f"/api/v1/workflows/{workflow_id}/run", {"input_data": given})
    run_id = str(started.json()["run_id"])
    await finished(server, run_id)
    return run_id


async def _listed(server: Server, **params: Any) -> list[str]:
    reply = await server.get("/api/v1/runs", **params)
    assert reply.status_code == 200, reply.text
    return [run["run_id"] for run in reply.json()]


async def test_runs_are_found_by_what_they_are_and_when_they_began(server: Server) -> None:
    before = datetime.now(UTC)
    flow = await _workflow(server, "Night_shift", NODES, EDGES)
    first = await _run(server, flow, text="short")
    between = datetime.now(UTC).isoformat()
    second = await _run(server, flow, text="short")
    model = write_script(server.runtime.settings.data_dir, "plain", "Done.")
    agent = (await server.post("/api/v1/agents", {"name": "desk", "model": model})).json()["id"]
    third = (await server.post(f"/api/v1/agents/{agent}/run", {"input_data": {"task": "Go."}})).json()["run_id"]
    await finished(server, third)
    assert await _listed(server) == [third, second, first]
    assert await _listed(server, kind="agent") == [third]
    assert await _listed(server, trigger="manual", workflow_id=flow, limit=1, offset=1) == [first]
    assert await _listed(server, name="night_") == [second, first]
    assert await _listed(server, name="%") == []
    assert await _listed(server, status="failed") == []
    assert await _listed(server, since=between) == [third, second]
    assert await _listed(server, until=between) == [first]
    assert await _listed(server, since=(before + timedelta(hours=1)).isoformat()) == []
    assert await _listed(server, until=before.isoformat()) == []


async def test_a_long_output_is_shortened_in_the_list_and_whole_in_its_step(server: Server) -> None:
    run_id = await _run(server, await _workflow(server, "flow", NODES, EDGES), text="x" * 50_000)
    steps = {step["node_id"]: step for step in (await server.get(f"/api/v1/runs/{run_id}/steps")).json()}
    long = steps["long"]
    assert (long["output"], long["output_size"]) == (None, 50_002)
    assert long["output_start"].startswith('"xxx')
    assert (steps["end"]["output"], steps["end"]["output_start"]) == ("ok", None)
    whole = (await server.get(f"/api/v1/runs/{run_id}/steps/{long['position']}")).json()
    assert whole["output"] == "x" * 50_000
    page = (await server.get(f"/api/v1/runs/{run_id}/steps", limit=1, offset=1)).json()
    assert [step["position"] for step in page] == [1]
    assert (await server.get(f"/api/v1/runs/{run_id}/steps/99")).status_code == 404


async def test_events_are_read_page_by_page(server: Server) -> None:
    run_id = await _run(server, await _workflow(server, "flow", NODES, EDGES), text="short")
    every = (await server.get(f"/api/v1/runs/{run_id}/history")).json()
    assert [event["seq"] for event in every] == list(range(1, len(every) + 1))
    assert (every[0]["type"], every[-1]["type"]) == ("run.started", "run.completed")
    assert (await server.get(f"/api/v1/runs/{run_id}/history", limit=1, offset=1)).json() == every[1:2]


async def test_a_run_shows_what_it_has_started_however_deep(server: Server) -> None:
    inner = await _workflow(server, "inner", NODES, EDGES)
    child = {"id": "child", "kind": "workflow", "config": {"workflow_id": inner, "data": "{text: 'a'}"}}
    middle = await _workflow(server, "middle", [child], [])
    outer = await _workflow(server, "outer", [{**child, "config": {"workflow_id": middle}}], [])
    run_id = await _run(server, outer)
    family = (await server.get(f"/api/v1/runs/{run_id}/family")).json()
    assert [(run["name"], run["depth"]) for run in family["runs"]] == [("middle", 1), ("inner", 2)]
    assert (family["total"], family["unfinished"]) == (2, 0)
    alone = (await server.get(f"/api/v1/runs/{family['runs'][1]['run_id']}/family")).json()
    assert alone == {"runs": [], "total": 0, "unfinished": 0}


async def test_agents_show_their_newest_run(server: Server) -> None:
    model = write_script(server.runtime.settings.data_dir, "plain", "Done.")
    ids = [(await server.post("/api/v1/agents", {"name": "desk", "model": model})).json()["id"] for _ in range(2)]
    order = {"input_data": {"task": "Go."}}
    runs = [(await server.post(f"/api/v1/agents/{ids[0]}/run", order)).json()["run_id"] for _ in range(2)]
    for run_id in runs:
        await finished(server, run_id)
    busy, idle = (await server.get("/api/v1/agent-figures", agent_ids=ids)).json()["agents"]
    assert (busy["agent_id"], busy["last_run"]["run_id"], busy["month_spent"]) == (ids[0], runs[-1], 0)
    assert (idle["last_run"], idle["month_unknown"]) == (None, 0)
