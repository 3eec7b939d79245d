"""The node that calls any HTTP service."""

from collections.abc import AsyncIterator

import orjson
import pytest

from tests.domains.workflows.support import by_node, chain, node, ran
from tests.support.app import Server
from tests.support.echo import Echo, echoing


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as running:
        yield running


async def test_a_request_is_made_from_the_data_and_its_answer_goes_on(server: Server, echo: Echo) -> None:
    asked = node(
        "ask",
        "http",
        method="POST",
        url=echo.url + "/orders/{{ input.id }}",
        headers={"Authorization": "Bearer {{ input.secret }}"},
        query={"tags": "{{ input.tags }}", "page": 1},
        body={"amount": "{{ input.amount }}"},
    )
    nodes = [asked, node("end", "output", value="{{ input.json.query.tags }}")]
    data = {"id": 7, "secret": "s3cret", "tags": ["a", "b"], "amount": 12}
    run = await ran(server, nodes, chain("ask", "end"), data)
    assert run["status"] == "completed", run["error"]
    assert run["output"] == {"value": ["a", "b"]}
    (heard,) = echo.heard
    assert (heard["path"], orjson.loads(heard["body"])) == ("/orders/7", {"amount": 12})
    assert heard["headers"]["authorization"] == "Bearer s3cret"
    assert run["run_id"] in heard["headers"]["idempotency-key"]
    (call,) = run["mcp_calls"]
    assert (call["tool"], call["node_id"]) == ("http.request", "ask")
    assert "s3cret" not in orjson.dumps(by_node(run)).decode()
    (entry,) = (await server.get("/api/ledger", tool="http.request")).json()
    assert entry["caller_kind"] == "workflow"


@pytest.mark.parametrize("fails", [True, False])
async def test_an_error_status_fails_the_node_unless_it_may_pass(server: Server, echo: Echo, fails: bool) -> None:
    asked = node("ask", "http", url=echo.url + "/status/404", fail_on_error=fails)
    run = await ran(server, [asked, node("end", "output", value="{{ input.status }}")], chain("ask", "end"))
    assert run["status"] == ("failed" if fails else "completed")
    assert ("404" in run["error"]) if fails else (run["output"] == {"value": 404})


@pytest.mark.parametrize("config", [{"url": "{{ "}, {"url": "http://a", "body": 1, "text": "x"}, {"url": "", "x": 1}])
async def test_a_request_that_cannot_be_read_is_not_saved(server: Server, config: dict[str, object]) -> None:
    body = {"name": "x", "nodes": [node("ask", "http", **config)], "edges": []}
    assert (await server.post("/api/v1/workflows", body)).status_code == 422
