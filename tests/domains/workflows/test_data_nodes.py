"""Nodes over memory, tables and documents; and tables that start workflows."""

import asyncio
from typing import Any

import pytest
import structlog

from interlock.domains.tables.events import TableTriggerFired
from interlock.domains.workflows.subscribers import start_for_row
from interlock.kit.fencing import fenced
from interlock.runtime.context import Ctx
from tests.domains.workflows.support import PATIENCE, by_node, chain, create, ended, node, ran, start
from tests.support.app import Server

COLUMNS = [{"name": "Name", "type": "text", "required": True}, {"name": "Amount", "type": "number"}]


async def a_table(server: Server, *rows: dict[str, Any]) -> str:
    answer = await server.post("/api/v1/tables", {"name": "orders", "columns": COLUMNS})
    assert answer.status_code == 200, answer.text
    table_id = str(answer.json()["id"])
    for row in rows:
        assert (await server.post(f"/api/v1/tables/{table_id}/rows", {"data": row})).status_code == 200
    return table_id


async def rows_of(server: Server, table_id: str) -> list[dict[str, Any]]:
    page = (await server.get(f"/api/v1/tables/{table_id}/rows")).json()
    return [row["data"] for row in page["rows"]]


async def test_rows_are_written_changed_and_read(server: Server) -> None:
    table_id = await a_table(server, {"Name": "Zoe", "Amount": 5}, {"Name": "Bob", "Amount": 1})
    nodes = [
        node("add", "table_write", table_id=table_id, row={"Name": "{{ input.who }}", "Amount": "{{ input.n }}"}),
        node("more", "table_write", table_id=table_id, row_id="{{ input.id }}", row={"Amount": "{{ trigger.n + 1 }}"}),
        node(
            "look",
            "table_read",
            table_id=table_id,
            filters=[{"column": "Amount", "operator": "gte", "value": "{{ trigger.n }}"}],
            sort=["-Amount"],
            limit=1,
        ),
    ]
    run = await ran(server, nodes, chain("add", "more", "look"), {"who": "Ada", "n": 5})
    assert run["status"] == "completed", run["error"]
    assert run["output"]["total"] == 2
    (row,) = run["output"]["rows"]
    assert (row["data"], row["id"]) == ({"Name": "Ada", "Amount": 6}, by_node(run)["add"]["output"]["id"])
    assert len(await rows_of(server, table_id)) == 3


async def test_without_a_row_the_input_is_written(server: Server) -> None:
    table_id = await a_table(server)
    await ran(server, [node("add", "table_write", table_id=table_id)], [], {"Name": "Ada"})
    assert [row["Name"] for row in await rows_of(server, table_id)] == ["Ada"]


@pytest.mark.parametrize(
    ("kind", "config", "says"),
    [
        ("table_write", {"row": {"Amount": 1}}, "Name"),
        ("table_write", {"row": {"Name": "a"}, "row_id": "nothing"}, "row_id"),
        ("table_read", {"sort": ["Nope"]}, "Nope"),
        ("table_read", {"filters": [{"column": "Amount", "operator": "in", "value": "{{ 1 }}"}]}, "Amount"),
    ],
)
async def test_what_does_not_fit_the_table_fails_the_node(
    server: Server, kind: str, config: dict[str, Any], says: str
) -> None:
    run = await ran(server, [node("it", kind, table_id=await a_table(server), **config)], [])
    assert run["status"] == "failed"
    assert says in run["error"]


async def test_a_workflow_remembers_once_and_recalls(server: Server) -> None:
    nodes = [
        node("keep", "memory_write", content="{{ input.fact }}", tags=["{{ input.tag }}"], title="A fact"),
        node("ask", "memory_read", query="When is the shop open?", tags=["{{ trigger.tag }}"], top_k=3),
    ]
    made = await create(server, nodes, chain("keep", "ask"))
    data = {"fact": "The shop is open from nine to five.", "tag": "hours"}
    first = await ended(server, await start(server, made["id"], data))
    assert first["status"] == "completed", first["error"]
    again = await ended(server, await start(server, made["id"], data))
    assert (by_node(first)["keep"]["output"]["is_duplicate"], by_node(again)["keep"]["output"]["is_duplicate"]) == (
        False,
        True,
    )
    assert set(again["output"]) == {"results", "text"}
    kept = (await server.get("/api/v1/memory")).json()
    assert [each["content"] for each in kept] == [data["fact"]]


async def test_memories_need_an_owner_that_fits(server: Server) -> None:
    run = await ran(server, [node("keep", "memory_write", content="x", owner_kind="agent")], [])
    assert run["status"] == "failed"
    run = await ran(server, [node("keep", "memory_write", content="{{ '' }}")], [])
    assert "content" in run["error"]


@pytest.mark.slow_model
async def test_a_workflow_finds_what_is_remembered_by_meaning(server: Server) -> None:
    body = {"content": "The shop is open from nine to five.", "type": "business"}
    assert (await server.post("/api/v1/memory", body)).status_code == 200
    run = await ran(server, [node("ask", "memory_read", query="shop open")], [])
    assert [each["content"] for each in run["output"]["results"]] == [body["content"]]
    assert run["output"]["text"] == fenced([body["content"]])


async def test_documents_answer_with_passages(server: Server) -> None:
    run = await ran(server, [node("look", "knowledge", query="{{ input.q }}")], [], {"q": "returns"})
    assert run["output"] == {"results": [], "text": ""}


async def a_trigger(server: Server, table_id: str, workflow_id: str) -> str:
    body = {"event": "row_created", "workflow_id": workflow_id}
    answer = await server.post(f"/api/v1/tables/{table_id}/triggers", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def hearing(server: Server) -> asyncio.Queue[tuple[Ctx, TableTriggerFired]]:
    """What the triggers tell, beside the workflows."""
    heard: asyncio.Queue[tuple[Ctx, TableTriggerFired]] = asyncio.Queue()

    async def hear(ctx: Ctx, event: TableTriggerFired) -> None:
        heard.put_nowait((ctx, event))

    server.runtime.jobs.subscribe(TableTriggerFired, "tests.hear", hear)
    return heard


async def next_of(heard: asyncio.Queue[tuple[Ctx, TableTriggerFired]]) -> tuple[Ctx, TableTriggerFired]:
    return await asyncio.wait_for(heard.get(), PATIENCE)


async def test_a_new_row_starts_a_workflow_once_however_often_it_is_told(server: Server) -> None:
    heard = hearing(server)
    table_id = await a_table(server)
    made = await create(server, [node("end", "output", value="{{ trigger.row.Name }}")], [])
    assert (await server.patch(f"/api/v1/workflows/{made['id']}", {"status": "published"})).status_code == 200
    trigger_id = await a_trigger(server, table_id, made["id"])
    await server.post(f"/api/v1/tables/{table_id}/rows", {"data": {"Name": "Ada"}})
    ctx, event = await next_of(heard)
    assert str(event.trigger_id) == trigger_id
    await start_for_row(ctx, event)
    await start_for_row(ctx, event)
    run = await ended(server, str(event.run_id))
    assert (run["output"], run["status"]) == ({"value": "Ada"}, "completed")
    assert (run["trigger"], run["trigger_ref"]) == ("table", trigger_id)
    (only,) = (await server.get("/api/v1/runs", workflow_id=made["id"])).json()
    assert only["run_id"] == str(event.run_id)


async def test_a_workflow_that_may_not_start_leaves_the_news_settled(server: Server) -> None:
    heard = hearing(server)
    table_id = await a_table(server)
    made = await create(server, [node("end", "output", value="x")], [])
    await a_trigger(server, table_id, made["id"])
    await server.post(f"/api/v1/tables/{table_id}/rows", {"data": {"Name": "Ada"}})
    ctx, event = await next_of(heard)
    with structlog.testing.capture_logs() as logs:
        await start_for_row(ctx, event)
    assert {entry["reason"] for entry in logs if "trigger" in entry} == {"Workflow 'test' is a draft."}
    assert (await server.get("/api/v1/runs", workflow_id=made["id"])).json() == []


async def test_a_workflow_that_feeds_its_own_table_comes_to_rest(server: Server) -> None:
    heard = hearing(server)
    table_id = await a_table(server)
    made = await create(server, [node("add", "table_write", table_id=table_id, row={"Name": "again"})], [])
    assert (await server.patch(f"/api/v1/workflows/{made['id']}", {"status": "published"})).status_code == 200
    await a_trigger(server, table_id, made["id"])
    await server.post(f"/api/v1/tables/{table_id}/rows", {"data": {"Name": "first"}})
    for depth in range(5):
        ctx, event = await next_of(heard)
        assert event.depth == depth
        await start_for_row(ctx, event)
        assert (await ended(server, str(event.run_id)))["status"] == "completed"
    (trigger,) = (await server.get(f"/api/v1/tables/{table_id}/triggers")).json()
    assert (trigger["fired_count"], trigger["stopped_count"]) == (5, 1)
    assert len(await rows_of(server, table_id)) == 6
