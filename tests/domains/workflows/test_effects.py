"""Nodes that reach out: models, tools, agents, classification; what they cost, and who may stop them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from interlock.sandbox import ProviderName, Sandbox, serve
from tests.domains.workflows.support import by_node, chain, create, ended, node, ran, start, told
from tests.support.app import Server
from tests.support.story import CHARGE, CREDENTIALS, write_script

SLACK = {"channel": "#support", "text": "{{ nodes.draft.text ?? trigger.text }}"}


@pytest.fixture
async def sandbox(server: Server) -> AsyncIterator[Sandbox]:
    """A pretend outside world with every account connected."""
    async with serve() as running:
        for integration, provider, credentials in CREDENTIALS:
            account = {"base_url": running.url(ProviderName(provider)), "credentials": credentials}
            assert (await server.post(f"/api/v1/integrations/{integration}/connect", account)).status_code == 200
        yield running


def model(server: Server, *texts: str) -> str:
    return write_script(server.runtime.settings.data_dir, "words", *texts)


async def test_a_model_writes_and_a_tool_acts(server: Server, sandbox: Sandbox) -> None:
    run = await ran(
        server,
        [
            node("draft", "ai", model=model(server, "Good day."), prompt="Greet."),
            node("send", "tool", tool="comms.send_slack_message", arguments=SLACK),
        ],
        chain("draft", "send"),
        {"text": "x"},
    )
    assert run["status"] == "completed", run["error"]
    assert run["output"]["ok"] is True
    (call,) = run["mcp_calls"]
    assert (call["tool"], call["node_id"], call["decision"]) == ("comms.send_slack_message", "send", "authorized")
    nodes = by_node(run)
    assert nodes["draft"]["model"].endswith("words")
    assert nodes["draft"]["output"] == {"text": "Good day."}
    assert run["total_tokens"] == sum(found["tokens"] for found in run["nodes"])
    parts = sum(found["cost"] for found in run["nodes"]) + sum(found["cost"] for found in run["mcp_calls"])
    assert run["total_cost"] == pytest.approx(parts)
    (entry,) = (await server.get("/api/ledger", tool="comms.send_slack_message")).json()
    assert entry["caller_kind"] == "workflow"


async def test_a_model_may_give_data(server: Server) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    asked = node(
        "ask", "ai", model=model(server, 'Sure! {"n": "three"} no, {"n": 3}.'), prompt="n?", answer_schema=schema
    )
    assert (await ran(server, [asked], []))["output"] == {"n": 3}


async def test_an_answer_of_another_shape_is_asked_again(server: Server) -> None:
    schema = {"type": "object", "required": ["n"]}
    asked = node("ask", "ai", model=model(server, "I do not know."), prompt="n?", answer_schema=schema, retries=1)
    run = await ran(server, [asked], [])
    assert run["status"] == "failed"
    assert "no JSON" in run["error"]
    first, last = run["nodes"]  # what was paid for in vain is on record and in the totals
    assert (first["node_id"], first["status"], last["node_id"]) == ("ask:try0", "failed", "ask")
    assert first["tokens"] > 0
    assert run["total_tokens"] == first["tokens"] + last["tokens"]


async def test_a_failed_run_leaves_nothing_behind_that_works_on(server: Server) -> None:
    inner = await create(server, [node("ask", "gate")], [])
    nodes = [
        node("fan", "parallel"),
        node("sub", "workflow", workflow_id=inner["id"]),
        node("rest", "delay", seconds=0.3),
        node("bad", "transform", expression="null + 1"),
    ]
    made = await create(server, nodes, [*chain("fan", "sub"), *chain("fan", "rest", "bad")])
    run = await ended(server, await start(server, made["id"]))
    assert run["status"] == "failed"
    (child,) = (await server.get("/api/v1/runs", parent_run_id=run["run_id"])).json()
    assert child["status"] == "cancelled"
    assert (await server.get("/api/v1/approvals", status="pending")).json() == []


@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_a_held_tool_waits_for_a_person(server: Server, sandbox: Sandbox, verdict: str) -> None:
    refund = node("refund", "tool", tool="payments.create_refund", arguments={"charge_id": CHARGE, "amount_cents": 500})
    nodes = [refund, node("end", "output", value="{{ input.id ?? input.error }}")]
    edges = [*chain("refund", "end"), *chain("refund:error", "end")]
    run_id = await start(server, (await create(server, nodes, edges))["id"])
    await told(server, run_id, {"tool.held"})
    (gate,) = (await server.get("/api/v1/approvals", status="pending")).json()
    await server.post(f"/api/v1/approvals/{gate['id']}/{verdict}", {"comment": "so be it"})
    run = await ended(server, run_id)
    assert run["status"] == "completed", run
    effects = sandbox.state.effects_of(ProviderName.STRIPE)
    assert len(effects) == (1 if verdict == "approve" else 0)
    assert [found["status"] for found in run["mcp_calls"]] == ["completed" if verdict == "approve" else "failed"]


async def test_an_agent_works_in_a_run_of_its_own(server: Server) -> None:
    agent = (await server.post("/api/v1/agents", {"name": "clerk", "model": model(server, "It is done.")})).json()
    run = await ran(
        server, [node("clerk", "agent", agent_id=agent["id"], task="Do {{ input.what }}.")], [], {"what": "it"}
    )
    assert run["output"] == {"text": "It is done."}
    child = (await server.get(f"/api/v1/runs/{by_node(run)['clerk']['child_run_id']}")).json()
    assert (child["kind"], child["parent_run_id"], child["input"]["task"]) == ("agent", run["run_id"], "Do it.")
    assert run["total_cost"] == child["total_cost"]


async def test_cancelling_a_run_cancels_what_it_started(server: Server) -> None:
    inner = await create(server, [node("ask", "gate")], [])
    outer = await create(server, [node("sub", "workflow", workflow_id=inner["id"])], [])
    run_id = await start(server, outer["id"])
    await told(server, run_id, {"node.child_started"})
    (child,) = (await server.get("/api/v1/runs", parent_run_id=run_id)).json()
    await told(server, child["run_id"], {"node.held"})
    assert (await server.post(f"/api/v1/runs/{run_id}/cancel")).json()["status"] == "cancelled"
    assert (await server.get(f"/api/v1/runs/{child['run_id']}")).json()["status"] == "cancelled"
    assert (await server.get("/api/v1/approvals", status="pending")).json() == []
    assert (await server.delete(f"/api/v1/workflows/{outer['id']}")).json() == {"deleted": True}
    assert (await server.get(f"/api/v1/runs/{run_id}")).status_code == 404


async def test_a_workflow_with_a_run_under_way_is_not_deleted(server: Server) -> None:
    made = await create(server, [node("ask", "gate")], [])
    await start(server, made["id"])
    assert (await server.delete(f"/api/v1/workflows/{made['id']}")).status_code == 409


@pytest.mark.slow_model
async def test_texts_get_the_label_nearest_in_meaning(server: Server) -> None:
    labels = [
        {"name": "billing", "description": "money, invoices, refunds and payments"},
        {"name": "technical", "description": "errors, crashes, things that do not work"},
    ]
    nodes = [
        node("sort", "classify", text="{{ input.mail }}", labels=labels),
        node("money", "output", value="to accounting"),
        node("bugs", "output", value="to engineering"),
    ]
    edges = [*chain("sort:billing", "money"), *chain("sort:technical", "bugs")]
    made = await create(server, nodes, edges)
    answers: list[Any] = []
    for mail in ("I was charged twice for my order.", "The app closes as soon as I open it."):
        run = await ended(server, await start(server, made["id"], {"mail": mail}))
        answers.append(run["output"])
    assert answers == [{"value": "to accounting"}, {"value": "to engineering"}]


async def test_the_days_ceiling_of_a_workflow_stops_it(server: Server) -> None:
    made = await create(server, [node("rest", "delay", seconds=0)], [], budget={"daily_cap": 0})
    refused = await server.post(f"/api/v1/workflows/{made['id']}/run", {"input_data": {}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "budget_exceeded")
    assert refused.json()["error"]["details"]["workflow_daily_cap"] == 0
