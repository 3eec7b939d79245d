"""The walk through a workflow: order, branches, joins, loops, errors, gates, children."""

import asyncio
from typing import Any

import pytest

from tests.domains.workflows.support import by_node, chain, create, ended, node, ran, start, told
from tests.support.app import Server


async def test_pure_nodes_compute_in_order(server: Server) -> None:
    run = await ran(
        server,
        [
            node("start", "trigger"),
            node("double", "transform", fields={"n": "{{ input.n * 2 }}", "words": "n was {{ trigger.n }}"}),
            node("end", "output", value={"answer": "{{ nodes.double.n }}", "words": "{{ input.words }}"}),
        ],
        chain("start", "double", "end"),
        {"n": 21},
    )
    assert run["status"] == "completed", run
    assert run["output"] == {"answer": 42, "words": "n was 21"}
    assert [found["node_id"] for found in run["nodes"]] == ["start", "double", "end"]
    assert run["total_cost"] == 0


async def test_an_empty_workflow_gives_back_what_it_is_given(server: Server) -> None:
    assert (await ran(server, [], [], {"a": 1}))["output"] == {"a": 1}


@pytest.mark.parametrize(("score", "way"), [(10, "high"), (1, "low")])
async def test_a_condition_takes_one_branch_and_passes_the_other_by(server: Server, score: int, way: str) -> None:
    run = await ran(
        server,
        [
            node("choose", "condition", when="input.score > 5"),
            node("high", "transform", expression="'high'"),
            node("low", "transform", expression="'low'"),
            node("after", "transform", fields={"way": "{{ input }}"}),
        ],
        [*chain("choose:true", "high", "after"), *chain("choose:false", "low", "after")],
        {"score": score},
    )
    assert run["output"] == {"way": way}
    assert set(by_node(run)) == {"choose", way, "after"}
    assert by_node(run)["choose"]["branch"] == ("true" if way == "high" else "false")


async def test_branches_come_together(server: Server) -> None:
    run = await ran(
        server,
        [
            node("fan", "parallel"),
            node("a", "delay", seconds=0.01),
            node("b", "delay", seconds=0),
            node("one", "transform", expression="1"),
            node("both", "join"),
        ],
        [*chain("fan", "a", "both"), *chain("fan", "b", "both"), *chain("fan", "one", "both")],
        {"x": 1},
    )
    assert run["output"] == {"a": {"x": 1}, "b": {"x": 1}, "one": 1}


async def test_a_loop_goes_through_a_list(server: Server) -> None:
    run = await ran(
        server,
        [
            node("each", "loop", items="input.items"),
            node("square", "transform", expression="item * item"),
            node("inner", "loop", items="[1, input]"),
            node("plus", "transform", expression="nodes.square + item + index"),
            node("sum", "output", value="{{ input.items }}"),
        ],
        [*chain("each:item", "square", "inner:item", "plus"), *chain("each:done", "sum")],
        {"items": [1, 2, 3]},
    )
    assert run["output"] == {
        "value": [
            {"items": [2, 3], "count": 2, "errors": []},
            {"items": [5, 9], "count": 2, "errors": []},
            {"items": [10, 19], "count": 2, "errors": []},
        ]
    }


FAILING = node("bad", "transform", expression="input.a + null")


async def test_a_failing_node_ends_the_run_and_is_named(server: Server) -> None:
    run = await ran(server, [FAILING, node("never", "output")], chain("bad", "never"), {"a": 1})
    assert run["status"] == "failed"
    assert run["error"].startswith("Node 'bad': ")
    assert by_node(run)["bad"]["status"] == "failed"
    assert "never" not in by_node(run)


async def test_an_error_goes_down_its_branch(server: Server) -> None:
    nodes = [FAILING, node("mended", "output", value="{{ input.error }}"), node("never", "output")]
    run = await ran(server, nodes, [*chain("bad:error", "mended"), *chain("bad", "never")], {"a": 1})
    assert run["status"] == "completed"
    assert "null" in run["output"]["value"]


async def test_or_the_run_goes_on(server: Server) -> None:
    run = await ran(server, [{**FAILING, "on_error": "continue"}, node("end", "output")], chain("bad", "end"), {"a": 1})
    assert run["status"] == "completed"
    assert run["output"]["node"] == "bad"


@pytest.mark.parametrize("answer", ["approve", "edit", "reject"])
@pytest.mark.parametrize("has_branch", [True, False])
async def test_a_gate_waits_for_a_person(server: Server, answer: str, has_branch: bool) -> None:
    nodes = [
        node("ask", "gate", message="Send {{ input.text }}?", review="input.text"),
        node("yes", "output", value="sent {{ input }}"),
        node("no", "output", value="kept: {{ input.comment }}"),
    ]
    edges = [*chain("ask:approved", "yes"), *(chain("ask:rejected", "no") if has_branch else [])]
    if not has_branch:
        nodes.pop()
    run_id = await start(server, (await create(server, nodes, edges))["id"], {"text": "hello"})
    await told(server, run_id, {"node.held"})
    assert (await server.get(f"/api/v1/runs/{run_id}")).json()["status"] == "waiting_approval"
    (gate,) = (await server.get("/api/v1/approvals", status="pending")).json()
    body: dict[str, Any] = {"comment": "No thanks."} if answer == "reject" else {}
    if answer == "edit":
        body["edited_output"] = "hello there"
    verb = "reject" if answer == "reject" else "approve"
    assert (await server.post(f"/api/v1/approvals/{gate['id']}/{verb}", body)).status_code == 200
    run = await ended(server, run_id)
    if answer != "reject":
        assert run["output"] == {"value": "sent hello" if answer == "approve" else "sent hello there"}
    elif has_branch:
        assert (run["status"], run["output"]) == ("completed", {"value": "kept: No thanks."})
    else:
        assert (run["status"], run["error"]) == ("rejected", "Node 'ask': No thanks.")
    assert [found["node_id"] for found in run["nodes"]].count("ask") == 1


async def test_a_workflow_runs_another(server: Server) -> None:
    inner = await create(server, [node("twice", "transform", fields={"n": "{{ input.n * 2 }}"})], [])
    run = await ran(server, [node("sub", "workflow", workflow_id=inner["id"])], [], {"n": 4})
    assert run["output"] == {"n": 8}
    child = by_node(run)["sub"]["child_run_id"]
    assert (await server.get(f"/api/v1/runs/{child}")).json()["parent_run_id"] == run["run_id"]


async def test_a_workflow_that_starts_itself_comes_to_an_end(server: Server) -> None:
    made = await create(server, [], [])
    nodes = [node("again", "workflow", workflow_id=made["id"])]
    assert (await server.patch(f"/api/v1/workflows/{made['id']}", {"nodes": nodes})).status_code == 200
    run = await ended(server, await start(server, made["id"]))
    assert run["status"] == "failed"
    assert "levels deep" in run["error"]


async def test_paused_it_rests_until_it_may_go_on(server: Server) -> None:
    nodes = [node("ask", "gate"), node("rest", "delay", seconds=0), node("end", "output", value="done")]
    run_id = await start(server, (await create(server, nodes, chain("ask", "rest", "end")))["id"])
    await told(server, run_id, {"node.held"})
    assert (await server.post(f"/api/v1/runs/{run_id}/pause")).json()["status"] == "paused"
    (gate,) = (await server.get("/api/v1/approvals", status="pending")).json()
    await server.post(f"/api/v1/approvals/{gate['id']}/approve")
    await told(server, run_id, {"run.resumed"})
    assert (await server.get(f"/api/v1/runs/{run_id}")).json()["status"] == "paused"
    assert (await server.post(f"/api/v1/runs/{run_id}/resume")).json()["status"] == "running"
    assert (await ended(server, run_id))["output"] == {"value": "done"}


async def test_a_failed_run_is_repeated_from_where_it_failed(server: Server) -> None:
    nodes = [
        node("first", "transform", fields={"n": "{{ input.n }}"}),
        node("rest", "delay", seconds=0),
        node("check", "condition", when="input.n > 1 and trigger.broken.deep.missing == null"),
        node("bad", "workflow", workflow_id="wf_01h455vb4pex5vsknk084sn02q"),
        node("end", "output"),
    ]
    made = await create(server, nodes, chain("first", "rest", "check:true", "bad", "end"))
    run = await ended(server, await start(server, made["id"], {"n": 2}))
    assert run["status"] == "failed", run
    again = (await server.post(f"/api/v1/runs/{run['run_id']}/again")).json()
    second = await ended(server, again["run_id"])
    assert second["retry_of"] == run["run_id"]
    assert by_node(second)["rest"]["reason"].startswith("as in run_")
    assert by_node(second)["bad"]["status"] == "failed"
    refused = await server.post(f"/api/v1/runs/{run['run_id']}/again", {"from_node": "nowhere"})
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (422, "from_node")
    whole = (await server.post(f"/api/v1/runs/{run['run_id']}/again", {"from_node": "first"})).json()
    assert by_node(await ended(server, whole["run_id"]))["rest"]["reason"] is None


async def test_many_waiting_gates_do_not_stop_the_other_branches(server: Server) -> None:
    gates = [node(f"ask{number}", "gate") for number in range(12)]
    nodes = [node("fan", "parallel"), *gates, node("rest", "delay", seconds=0), node("on", "delay", seconds=0)]
    edges = [edge for gate in gates for edge in chain("fan", gate["id"])]
    run_id = await start(server, (await create(server, nodes, [*edges, *chain("fan", "rest", "on")]))["id"])
    async with asyncio.timeout(30):
        async for event in server.runtime.streams.follow(await server.ctx(), f"run:{run_id}", 0):
            if event is not None and event.data.get("node_id") == "on":
                break
    assert (await server.post(f"/api/v1/runs/{run_id}/cancel")).json()["status"] == "cancelled"
