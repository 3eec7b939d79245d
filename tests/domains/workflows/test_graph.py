"""Graphs that cannot run are refused, naming node and field; big ones are read in time that grows with them alone."""

from typing import Any

import pytest

from tests.domains.workflows.support import chain, create, ended, node, start
from tests.support.app import Server

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LOOP = [node("each", "loop", items="input"), node("in", "transform", expression="item"), node("out", "join")]


@pytest.mark.parametrize(
    ("nodes", "edges", "field", "words"),
    [
        ([node("a", "nothing")], [], "nodes[a].kind", "no kind 'nothing'"),
        ([node("a", "trigger"), node("b", "trigger")], [], "nodes[b].kind", "trigger already"),
        ([node("a", "join"), node("a", "join")], [], "nodes[a].id", "same id"),
        ([node("a", "join")], chain("a", "b"), "edges[0]", "no node 'b'"),
        ([node("a", "join"), node("b", "join")], chain("a", "b", "a"), "nodes[a].edges", "circle"),
        ([node("a", "join")], chain("a", "a"), "nodes[a].edges", "circle"),
        ([node("a", "transform")], [], "nodes[a].config", "expression"),
        ([node("a", "transform", expression="1 +")], [], "nodes[a].config.expression", "position"),
        ([node("a", "condition", when="true", other=1)], [], "nodes[a].config.other", "Extra"),
        ([node("a", "condition", when="true"), node("b", "join")], chain("a:maybe", "b"), "branch", "'maybe'"),
        ([node("a", "join"), node("t", "trigger")], chain("a", "t"), "edges[0]", "Nothing may lead"),
        (LOOP, chain("each:done", "out"), "nodes[each].edges", "Nothing is repeated"),
        (LOOP, [*chain("each:item", "in", "out"), *chain("each:done", "out")], "nodes[out].edges", "sides of a loop"),
        ([LOOP[0], node("in", "output")], chain("each:item", "in"), "nodes[in].kind", "inside a loop"),
    ],
)
async def test_what_is_wrong_is_named(
    server: Server, nodes: list[dict[str, Any]], edges: list[dict[str, str]], field: str, words: str
) -> None:
    answer = await server.post("/api/v1/workflows", {"name": "x", "nodes": nodes, "edges": edges})
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert field in error["details"]["field"], error
    assert words in error["message"], error
    checked = (await server.post("/api/v1/workflows/check", {"nodes": nodes, "edges": edges})).json()
    assert not checked["ok"]
    assert [problem for problem in checked["problems"] if words in problem["message"]]


async def test_every_problem_is_told_at_once(server: Server) -> None:
    nodes = [node("a", "nothing"), node("b", "transform", expression=")"), node("c", "join")]
    checked = (await server.post("/api/v1/workflows/check", {"nodes": nodes, "edges": chain("c", "d")})).json()
    assert [problem["node"] for problem in checked["problems"]] == ["a", "b", None]


async def test_five_thousand_nodes_are_saved_and_run(server: Server) -> None:
    keys = [f"n{number}" for number in range(5_000)]
    nodes = [node(keys[0], "trigger"), *(node(key, "transform", expression="input + 1") for key in keys[1:])]
    nodes[1]["config"]["expression"] = "input.n"
    made = await create(server, nodes, chain(*keys))
    run = await ended(server, await start(server, made["id"], {"n": 0}))
    assert run["output"] == {"value": 4_998}
    refused = await server.post("/api/v1/workflows", {"name": "x", "nodes": [*nodes, node("more", "join")]})
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (422, "nodes")


async def test_a_changed_graph_is_a_new_version_and_an_unchanged_one_is_not(server: Server) -> None:
    nodes = [node("a", "trigger")]
    made = await create(server, nodes, [])
    path = f"/api/v1/workflows/{made['id']}"
    assert (await server.patch(path, {"name": "other", "nodes": nodes})).json()["version"] == 1
    assert (await server.patch(path, {"nodes": [*nodes, node("b", "output")]})).json()["version"] == 2
    versions = (await server.get(f"{path}/versions")).json()
    assert [len(version["nodes"]) for version in versions] == [2, 1]
    detail = (await server.get(path)).json()
    assert (detail["name"], detail["version"], detail["node_count"]) == ("other", 2, 2)
    capped = await server.patch(path, {"budget": {"daily_cap": 2}})
    assert capped.status_code == 200
    assert (await server.get(path)).json()["budget"] == {"per_run_cap": None, "daily_cap": 2}


async def test_the_palette_shows_every_kind_with_its_schema(server: Server) -> None:
    kinds = {kind["kind"]: kind for kind in (await server.get("/api/v1/workflows/kinds")).json()["kinds"]}
    assert {"trigger", "ai", "agent", "tool", "condition", "gate", "transform", "delay", "workflow", "classify"} <= set(
        kinds
    )
    assert "when" in kinds["condition"]["config"]["properties"]
    assert kinds["transform"]["pure"]
    assert kinds["gate"]["branches"] == ["approved", "rejected"]


async def test_a_key_may_not_do_by_a_node_what_it_may_not_do_itself(server: Server) -> None:
    poor = (await server.post("/api/v1/api-keys", {"name": "poor", "scopes": ["workflows"]})).json()["key"]
    body = {"name": "x", "nodes": [node("recall", "memory_read", query="secrets")]}
    answer = await server.post("/api/v1/workflows", body, key=poor)
    assert (answer.status_code, answer.json()["error"]["details"]["scope"]) == (403, "memory")
    made = (await server.post("/api/v1/workflows", body)).json()
    refused = await server.post(f"/api/v1/workflows/{made['id']}/run", {"input_data": {}}, key=poor)
    assert refused.status_code == 403
    assert (await server.post("/api/v1/workflows", {"name": "x"}, key=poor)).status_code == 200
