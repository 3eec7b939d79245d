import json
from typing import Any

import pytest

from interlock.domains.accounts.service import clients
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Match, PolicyType
from interlock.faces.mcp.methods import IDEMPOTENCY_KEY
from interlock.faces.mcp.protocol import CODES
from interlock.kit.errors import Kind
from interlock.kit.money import ZERO
from interlock.sandbox.stripe_data import FIRST_CHARGE
from tests.domains.tools.world import REFUND, SLACK
from tests.faces.mcp.conftest import McpServer

MESSAGE = {"channel": "#support", "text": "hello"}


def call(id: int | str | None = 1, **params: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": "tools/call", "params": params}
    return body if id is None else {**body, "id": id}


async def test_a_bare_call_is_answered_as_documented(server: McpServer) -> None:
    response = await server.post(call("abc", name=SLACK, arguments=MESSAGE))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert "x-ratelimit-remaining" in response.headers
    reply = response.json()
    assert (reply["jsonrpc"], reply["id"]) == ("2.0", "abc")
    assert reply["result"]["isError"] is False
    (content,) = reply["result"]["content"]
    document = json.loads(content["text"])
    assert (content["type"], document["ok"], document["_cost_usd"]) == ("text", True, 0)
    assert reply["result"]["structuredContent"] == document


async def test_a_bare_list_shows_what_the_client_may_use(server: McpServer) -> None:
    tools = (await server.rpc("tools/list"))["result"]["tools"]
    assert len(tools) == 8
    refund = next(tool for tool in tools if tool["name"] == REFUND)
    assert refund["inputSchema"]["required"] == ["charge_id"]
    assert refund["annotations"]["destructiveHint"] is True
    narrow = await server.register(tools=("comms",))
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    shown = (await server.post(body, narrow.bearer)).json()["result"]["tools"]
    assert [tool["name"] for tool in shown] == [SLACK, "comms.send_email"]


async def test_a_gated_call_says_so_and_its_repeat_gets_the_result(server: McpServer) -> None:
    held = await server.tool(REFUND, charge_id=FIRST_CHARGE, amount_cents=100)
    gate = held["structuredContent"]
    assert held["isError"] is False
    assert set(gate) == {"ok", "status", "reason", "escalation_id", "tool"}
    assert (gate["ok"], gate["status"], gate["tool"]) == (False, "action_required", REFUND)
    assert gate["escalation_id"].startswith("esc_")
    assert json.loads(held["content"][0]["text"]) == gate
    await server.approve(gate["escalation_id"])
    await server.settled()
    result = await server.tool(REFUND, charge_id=FIRST_CHARGE, amount_cents=100)
    assert result["structuredContent"]["refund_id"].startswith("re_")
    assert len(server.world.effects("stripe")) == 1


async def test_a_denial_names_its_policy(server: McpServer) -> None:
    block = policies.CreatePolicy(
        name="no chat", type=PolicyType.APPROVAL, mode=PolicyMode.BLOCK, match=Match(tools=("comms",))
    )
    policy = await server.world.base.call(policies.create, block)
    denied = await server.tool(SLACK, **MESSAGE)
    assert denied["isError"] is True
    told = denied["structuredContent"]
    assert set(told) == {"ok", "status", "reason", "policy_id", "tool"}
    assert (told["ok"], told["status"], told["policy_id"]) == (False, "denied", str(policy.id))


async def test_an_exhausted_budget_is_a_denial_over_http_200(server: McpServer) -> None:
    await server.world.base.call(budgets.update, budgets.UpdateBudget(monthly_cap=ZERO))
    denied = await server.tool(SLACK, **MESSAGE)
    assert denied["structuredContent"]["reason"] == "budget_exhausted"


async def test_a_tool_that_fails_is_a_result_with_is_error(server: McpServer) -> None:
    failed = await server.tool(SLACK, channel="#nowhere", text="x")
    assert failed["isError"] is True
    assert "channel_not_found" in failed["structuredContent"]["reason"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{nonsense", 400, -32700),
        (b'"text"', 400, -32600),
        ({"id": 1, "method": "ping"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}, 200, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/destroy"}, 200, -32601),
        (call(name="web_search"), 200, -32602),
        (call(name=SLACK, arguments={"channel": "#support"}), 200, -32602),
        (call(name=SLACK, arguments=["x"]), 200, -32602),
        (call(name=SLACK, arguments=""), 200, -32602),
        (call(arguments={}), 200, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "?"}}, 200, -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\\u0000"}}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 90 + b"1" + b"}" * 91, 400, -32700),
    ],
)
async def test_what_cannot_be_answered_gets_its_code(server: McpServer, body: Any, status: int, code: int) -> None:
    response = await server.post(body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


async def test_wrong_arguments_name_the_field(server: McpServer) -> None:
    error = (await server.rpc("tools/call", {"name": SLACK, "arguments": {"channel": 5, "text": "x"}}))["error"]
    assert (error["data"]["code"], error["data"]["field"]) == ("invalid_arguments", "channel")


async def test_notifications_and_responses_get_202_and_no_body(server: McpServer) -> None:
    for body in (
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}},
        {"jsonrpc": "2.0", "id": 4, "result": {}},
    ):
        response = await server.post(body)
        assert (response.status_code, response.content) == (202, b"")


@pytest.mark.parametrize("wanted", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "1999-01-01", None])
async def test_versions_are_negotiated(server: McpServer, wanted: str | None) -> None:
    params = {} if wanted is None else {"protocolVersion": wanted}
    response = await server.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    result = response.json()["result"]
    assert result["protocolVersion"] == (wanted if wanted and wanted.startswith("202") else "2025-11-25")
    assert result["serverInfo"]["name"] == "interlock"
    assert response.headers["mcp-session-id"]


async def test_an_unknown_version_header_is_refused_with_the_known_ones(server: McpServer) -> None:
    response = await server.post(
        {"jsonrpc": "2.0", "id": 1, "method": "ping"}, **{"MCP-Protocol-Version": "1999-01-01"}
    )
    assert response.status_code == 400
    assert "2025-11-25" in response.json()["error"]["data"]["supported"]


async def test_batches_belong_to_the_revisions_that_have_them(server: McpServer) -> None:
    batch = [call(1, name=SLACK, arguments=MESSAGE), {"jsonrpc": "2.0", "method": "notifications/x"}, 7, call(2)]
    replies = (await server.post(batch)).json()
    assert [(reply["id"], "error" in reply) for reply in replies] == [(1, False), (None, True), (2, True)]
    refused = await server.post(batch, **{"MCP-Protocol-Version": "2025-06-18"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32600)
    for wrong in ([], [call()] * 21):
        assert (await server.post(wrong)).json()["error"]["code"] == -32600


async def test_each_message_of_a_batch_counts_against_the_limit(server: McpServer) -> None:
    before = int((await server.post(call())).headers["x-ratelimit-remaining"])
    await server.post([call()] * 10)
    assert int((await server.post(call())).headers["x-ratelimit-remaining"]) == before - 11


@pytest.mark.parametrize("bearer", ["whsec_unknown", "sk_live_unknown"])
async def test_an_unknown_bearer_is_401(server: McpServer, bearer: str) -> None:
    for method, path in (("POST", "/api/mcp"), ("GET", "/api/mcp"), ("DELETE", "/api/mcp"), ("GET", "/api/mcp/sse")):
        response = await server.http.request(method, path, headers={"Authorization": f"Bearer {bearer}"})
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "unauthorized"


async def test_a_rotated_bearer_is_dead_at_once(server: McpServer) -> None:
    ref = clients.ClientRef(client_id=server.client.id)
    renewed = await server.world.base.call(clients.rotate_client, ref)
    assert (await server.post(call())).status_code == 401
    assert (await server.post(call(), renewed.bearer)).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("http://localhost:3000", 200), ("http://127.0.0.1:1", 200), ("null", 403)],
)
async def test_pages_of_other_sites_are_refused(server: McpServer, origin: str, status: int) -> None:
    assert (await server.post(call(), Origin=origin)).status_code == status


async def test_a_session_ends_once_and_is_then_gone(server: McpServer) -> None:
    opened = await server.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}})
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    assert (await server.post(call(), **session)).status_code == 200
    other = await server.register()
    stolen = {**session, "Authorization": f"Bearer {other.bearer}"}
    assert (await server.http.delete("/api/mcp", headers=stolen)).status_code == 404
    assert (await server.http.delete("/api/mcp", headers={**server.headers, **session})).status_code == 204
    assert (await server.http.delete("/api/mcp", headers={**server.headers, **session})).status_code == 404
    assert (await server.post(call(), **session)).status_code == 404
    assert (await server.post(call(), **{"Mcp-Session-Id": "of-another-server"})).status_code == 200


async def test_only_event_stream_accepted_is_answered_as_one(server: McpServer) -> None:
    response = await server.post(call(name=SLACK, arguments=MESSAGE), Accept="text/event-stream")
    assert response.headers["content-type"].startswith("text/event-stream")
    (line,) = [line for line in response.text.splitlines() if line.startswith("data: ")]
    assert json.loads(line[6:])["result"]["isError"] is False


async def test_progress_is_told_where_it_was_asked_for(server: McpServer) -> None:
    asked = call(name=SLACK, arguments=MESSAGE, _meta={"progressToken": "p-1"})
    response = await server.post(asked, Accept="application/json, text/event-stream")
    first, last = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]
    assert (first["method"], first["params"]["progressToken"]) == ("notifications/progress", "p-1")
    assert last["result"]["isError"] is False


async def test_a_clients_own_key_makes_a_repeat_harmless(server: McpServer) -> None:
    asked = call(name=SLACK, arguments=MESSAGE, _meta={IDEMPOTENCY_KEY: "k-1"})
    replies = [(await server.post(asked)).json()["result"]["structuredContent"] for _ in range(2)]
    assert replies[0] == replies[1]
    assert len(server.world.effects("slack")) == 1


async def test_a_level_needs_a_session(server: McpServer) -> None:
    assert (await server.rpc("logging/setLevel", {"level": "error"}))["error"]["code"] == -32602


def test_every_kind_of_error_has_its_code() -> None:
    assert set(CODES) == set(Kind)


def _stateless(method: str, **headers: str) -> tuple[dict[str, Any], dict[str, str]]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": SLACK, "arguments": {}, "_meta": meta}}
    sent = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": SLACK, **headers}
    return body, sent


@pytest.mark.parametrize(
    ("method", "headers", "status", "code"),
    [
        ("server/discover", {}, 200, None),
        ("tools/list", {}, 200, None),
        ("tools/call", {}, 400, -32602),
        ("initialize", {}, 404, -32601),
        ("tools/list", {"Mcp-Method": "tools/call"}, 400, -32020),
        ("tools/call", {"Mcp-Name": REFUND}, 400, -32020),
    ],
)
async def test_the_stateless_revision_has_its_own_methods_and_statuses(
    server: McpServer, method: str, headers: dict[str, str], status: int, code: int | None
) -> None:
    body, sent = _stateless(method, **headers)
    response = await server.post(body, **sent)
    assert (response.status_code, response.json().get("error", {}).get("code")) == (status, code)
    if code is None:
        assert response.json()["result"]["resultType"] == "complete"
    del body["params"]["_meta"]
    assert (await server.post(body, **sent)).json()["error"]["code"] == -32602
