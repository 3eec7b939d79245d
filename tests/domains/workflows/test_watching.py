"""Watching workflows: how each node of a run stands, and what all workflows did lately."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.domains.workflows.support import chain, create, ended, node, start, told
from tests.support.app import Server


async def _progress(server: Server, workflow: str, run: str) -> dict[str, Any]:
    found = (await server.get(f"/api/v1/workflows/{workflow}/runs/{run}/progress")).json()
    return {row["node"]: row for row in found["nodes"]} | {"": found}


async def test_nodes_light_up_one_after_the_other(server: Server) -> None:
    nodes = [node("start", "trigger"), node("ask", "gate"), node("yes", "output"), node("no", "output")]
    edges = [*chain("start", "ask:approved", "yes"), *chain("ask:rejected", "no")]
    made = await create(server, nodes, edges)
    run = await start(server, made["id"], {"amount": 5})
    await told(server, run, {"node.held"})
    held = await _progress(server, made["id"], run)
    assert [row["state"] for row in held[""]["nodes"]] == ["done", "held", "waiting", "waiting"]
    gate = held["ask"]["approval_id"]
    assert (await server.post(f"/api/v1/approvals/{gate}/approve", {})).status_code == 200
    await ended(server, run)
    after = await _progress(server, made["id"], run)
    assert [row["state"] for row in after[""]["nodes"]] == ["done", "done", "done", "skipped"]
    assert after["ask"]["branch"] == "approved"
    assert after["ask"]["approval_id"] is None
    assert after["ask"]["duration_ms"] is not None


async def test_loops_count_their_turns_and_show_what_they_gave(server: Server) -> None:
    nodes = [
        node("each", "loop", items="input.list", on_item_error="skip"),
        node("work", "transform", expression="10 / item"),
    ]
    made = await create(server, nodes, chain("each:item", "work"))
    run = await start(server, made["id"], {"list": [1, 2, 5]})
    await ended(server, run)
    found = await _progress(server, made["id"], run)
    assert found["work"]["turns"] == 3
    turns = (await server.get(f"/api/v1/workflows/{made['id']}/runs/{run}/nodes/work")).json()
    assert [turn["output"] for turn in turns] == [2, 5, 10]


async def test_a_failed_node_and_what_was_never_reached(server: Server) -> None:
    nodes = [node("start", "trigger"), node("boom", "transform", expression="keys(5)"), node("end", "output")]
    made = await create(server, nodes, chain("start", "boom", "end"))
    run = await start(server, made["id"])
    await ended(server, run)
    found = await _progress(server, made["id"], run)
    assert [row["state"] for row in found[""]["nodes"]] == ["done", "failed", "skipped"]
    assert found["boom"]["reason"]


async def test_a_cancelled_run_shows_where_it_stood(server: Server) -> None:
    made = await create(server, [node("wait", "delay", seconds=3600)], [])
    run = await start(server, made["id"])
    await told(server, run, {"node.started"})
    assert (await _progress(server, made["id"], run))["wait"]["state"] == "running"
    await server.post(f"/api/v1/runs/{run}/cancel")
    assert (await _progress(server, made["id"], run))["wait"]["state"] == "stopped"


async def test_a_child_is_named(server: Server) -> None:
    inner = await create(server, [node("wait", "delay", seconds=3600)], [])
    outer = await create(server, [node("call", "workflow", workflow_id=inner["id"])], [])
    run = await start(server, outer["id"])
    await told(server, run, {"node.child_started"})
    child = (await _progress(server, outer["id"], run))["call"]["child_run_id"]
    assert (await server.get(f"/api/v1/runs/{child}")).json()["parent_run_id"] == run


async def test_all_workflows_at_a_glance(server: Server) -> None:
    idle = await create(server, [node("start", "trigger")], [])
    busy = await create(server, [node("start", "trigger")], [])
    started = [await start(server, busy["id"]) for _ in range(2)]
    for run in started:
        await ended(server, run)
    now = datetime.now(UTC)
    rows = (await server.get("/api/v1/workflows/at-work", since=(now - timedelta(hours=1)).isoformat())).json()
    by_id = {row["id"]: row for row in rows}
    assert by_id[idle["id"]]["last_run"] is None
    assert by_id[idle["id"]]["runs_since"] == 0
    assert by_id[busy["id"]]["last_run"]["run_id"] == started[-1]
    assert by_id[busy["id"]]["runs_since"] == 2
    later = (await server.get("/api/v1/workflows/at-work", since=(now + timedelta(hours=2)).isoformat())).json()
    assert {row["runs_since"] for row in later} == {0}


async def test_who_saved_meanwhile_is_not_overwritten(server: Server) -> None:
    made = await create(server, [node("start", "trigger")], [])
    path = f"/api/v1/workflows/{made['id']}"
    first = await server.patch(path, {"nodes": [node("a", "trigger")], "expected_version": 1})
    assert first.json()["version"] == 2
    second = await server.patch(path, {"nodes": [node("b", "trigger")], "expected_version": 1})
    assert second.status_code == 409
    assert (await server.get(f"{path}/versions/1")).json()["nodes"][0]["id"] == "start"
    assert (await server.get(f"{path}/versions/3")).status_code == 404


async def test_a_check_tells_the_branches_of_every_node(server: Server) -> None:
    nodes = [
        node("start", "trigger"),
        node("if", "condition", when="true"),
        node("sort", "classify", labels=[{"name": "a"}, {"name": "b"}]),
        node("odd", "condition"),
    ]
    found = (await server.post("/api/v1/workflows/check", {"nodes": nodes})).json()
    assert found["branches"] == {"start": [], "if": ["true", "false"], "sort": ["a", "b", "other"]}
    assert [problem["node"] for problem in found["problems"]] == ["odd"]


async def test_every_kind_describes_its_fields_and_begins_well(server: Server) -> None:
    unknowable = {"agent_id", "table_id", "workflow_id", "tool"}
    for kind in (await server.get("/api/v1/workflows/kinds")).json()["kinds"]:
        schema = kind["config"]
        for name, field in schema.get("properties", {}).items():
            named = schema.get("$defs", {}).get(field.get("$ref", "").rpartition("/")[2], {})
            assert field.get("description") or named.get("description"), f"{kind['kind']}.{name}"
        missing = set(schema.get("required", ())) - set(kind["fresh"])
        assert missing <= unknowable, kind["kind"]
        if not missing:
            graph = {"nodes": [node("x", kind["kind"], **kind["fresh"])]}
            problems = (await server.post("/api/v1/workflows/check", graph)).json()["problems"]
            assert not [problem for problem in problems if problem["field"] != "edges"], problems
