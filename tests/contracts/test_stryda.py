"""The native API against its contract: paths, credentials, request fields, fields of real replies, errors, headers."""

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from interlock import main
from interlock.faces.rest.app import TABLE
from interlock.sandbox import ProviderName, Sandbox, serve
from tests.contracts.drives import BY_HAND_ELSEWHERE, DRIVES, ENTRIES, PREFIXES_ELSEWHERE, RATE_HEADERS, Recorder
from tests.contracts.samples import SAMPLES
from tests.contracts.world import PASSWORD, World, unique
from tests.support.app import Server
from tests.support.story import CHARGE, CREDENTIALS, REFUND_DESK, finished, pending_approval

DATA = Path(__file__).parent
# May only shrink: what is not built, and fields whose other half is not built.
GAPS = json.loads((DATA / "not_built.json").read_text())
UNKNOWN = "01h455vb4pex5vsknk084sn02q"
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PREFIXES = {
    "client_id": "cli",
    "agent_id": "agent",
    "id": "appr",
    "run_id": "run",
    "policy_id": "pol",
    "key_id": "key",
    **PREFIXES_ELSEWHERE,
}

BUILT = {name: entry for name, entry in ENTRIES.items() if name not in GAPS["endpoints"]}
DOCUMENTED = {name: entry for name, entry in BUILT.items() if "response" in entry}
LINES = {f"{line.method} {line.path}": line for line in TABLE}


def shape(name: str) -> str:
    """A path whose parameters have no names."""
    return re.sub(r"\{[^}]*\}", "{}", name)


def line_of(name: str) -> Any:
    """The line of the route table that serves an entry, or None where a face serves it by hand."""
    return next((line for path, line in LINES.items() if shape(path) == shape(name)), None)


def concrete(name: str) -> tuple[str, str]:
    """Method and path with ids that nothing has."""
    method, path = name.split(" ")
    of_path = PREFIXES.get(path)  # where `{id}` is another thing's
    return method, re.sub(r"\{([^}]*)\}", lambda part: f"{of_path or PREFIXES.get(part[1], 'x')}_{UNKNOWN}", path)


def routed(server: Server) -> set[str]:
    """Every method and path that the application serves."""
    edge = main.create_app(server.runtime)
    inner = edge.app  # type: ignore[attr-defined] # the edge wraps the router
    return {
        shape(f"{method} {route.path}")
        for route in inner.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }


@ONE_DATABASE
async def test_every_endpoint_is_routed_or_on_the_shrinking_list(server: Server) -> None:
    paths = routed(server)
    missing = {name for name in ENTRIES if shape(name) not in paths}
    assert sorted(missing - set(GAPS["endpoints"])) == [], "not served, and not on the list"
    assert sorted(set(GAPS["endpoints"]) - missing) == [], "served now (or no longer in the contract): off the list"


def test_every_request_field_is_accepted() -> None:
    refused = defaultdict(list)
    for name, entry in BUILT.items():
        line = line_of(name)
        if line is None:
            continue
        schema = line.operation.command.model_json_schema(by_alias=True)
        request = entry.get("request", {})
        for field in (*request.get("query", {}), *request.get("body", {})):
            if not accepts(schema, schema, re.split(r"\.|(?=\[\])", field)):
                refused[name].append(field)
    assert dict(refused) == GAPS["request_fields"]


def accepts(root: dict[str, Any], schema: dict[str, Any], path: list[str]) -> bool:
    """Whether a JSON schema has a place for a path such as alerts, [], channels."""
    if not path:
        return True
    if "$ref" in schema:
        return accepts(root, root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], path)
    if any(accepts(root, part, path) for part in schema.get("anyOf", ())):
        return True
    if path[0] == "[]":
        return "items" in schema and accepts(root, schema["items"], path[1:])
    if path[0] in schema.get("properties", {}):
        return accepts(root, schema["properties"][path[0]], path[1:])
    others = schema.get("additionalProperties")
    if path[0].startswith("<"):  # a key that the caller chooses
        chosen = [*schema.get("patternProperties", {}).values(), *([others] if isinstance(others, dict) else [])]
        return any(accepts(root, part, path[1:]) for part in chosen)
    return others is True


@ONE_DATABASE
@pytest.mark.parametrize("name", [name for name, entry in BUILT.items() if entry.get("auth", "api_key") != "public"])
async def test_without_a_credential_it_is_401_with_both_error_keys(server: Server, name: str) -> None:
    method, path = concrete(name)
    answer = await server.http.request(method, path, json={} if method in {"POST", "PATCH"} else None)
    assert answer.status_code == 401, answer.text
    assert_error(answer, "unauthorized")


@ONE_DATABASE
async def test_every_door_takes_its_own_kind_of_credential_only(server: Server) -> None:
    world = World(server, server.key, SAMPLES)
    bearer = (await world.call("accounts.register_client", {"name": "client", "kind": "cursor"})).bearer
    email = f"{unique('person')}@example.com"
    await world.call("accounts.add_user", {"email": email, "name": "Person", "password": PASSWORD, "role": "admin"})
    token = (await world.call("accounts.sign_in", {"email": email, "password": PASSWORD})).token
    wrong = {
        "api_key": [{"authorization": f"Bearer {bearer}"}, {"x-api-key": bearer}],
        "session": [{"x-api-key": server.key}, {"authorization": f"Bearer {bearer}"}],
        "bearer": [{"x-api-key": server.key}, {"authorization": f"Bearer {token}"}],
    }
    let_in = {}
    for name, entry in DOCUMENTED.items():
        for headers in wrong.get(entry["auth"], []):
            method, path = concrete(name)
            answer = await server.http.request(method, path, headers=headers, json={} if method == "POST" else None)
            if answer.status_code != 401:
                let_in[name] = (headers, answer.status_code)
    assert let_in == {}


def assert_error(answer: httpx.Response, code: str) -> dict[str, Any]:
    """Both readers of errors find what they look for; returns the details."""
    body = answer.json()
    assert isinstance(body["detail"], str)
    assert body["error"]["code"] == code, body
    assert body["error"]["message"] == body["detail"]
    assert all(header in answer.headers for header in RATE_HEADERS), answer.headers
    details: dict[str, Any] = body["error"]["details"]
    return details


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A pretend outside world."""
    async with serve() as running:
        yield running


async def drive(server: Server, sandbox: Sandbox) -> dict[str, list[Any]]:
    """Use everything that is built once, as a client would; returns the replies."""
    recorder = Recorder(server)
    call = recorder.call
    await _accounts(recorder)
    for integration, provider, credentials in CREDENTIALS:
        account = {"base_url": sandbox.url(ProviderName(provider)), "credentials": credentials}
        await call("POST /api/v1/integrations/{id}/connect", account, id=integration)
    caps = {"monthly_cap": 100, "per_run_cap": 10, "daily_cap": 50}
    await call("PATCH /api/v1/budget", {**caps, "alerts": [{"threshold_percent": 80, "channels": ["slack", "email"]}]})
    await call("GET /api/v1/budget")
    policy = await call("POST /api/v1/policies", {"name": "gate", "type": "approval", "match": {"tools": ["pay.*"]}})
    await call("PATCH /api/v1/policies/{policy_id}", {"mode": "pause"}, policy_id=policy["id"])
    await call("GET /api/v1/policies")
    await _checks(recorder)
    await call("DELETE /api/v1/policies/{policy_id}", policy_id=policy["id"])
    await _agents(recorder)
    for module in DRIVES:
        await module.drive(recorder)
    await call("POST /api/v1/integrations/{id}/disconnect", id="int_slack")
    await call("GET /api/mcp/tools")
    await call("GET /api/ledger")
    await call("GET /api/ledger/verify")
    await call("GET /api/.well-known/jwks.json", headers={"accept": "*/*"})
    return recorder.replies


async def _accounts(recorder: Recorder) -> None:
    call, world = recorder.call, World(recorder.server, recorder.server.key, SAMPLES)
    email = f"{unique('person')}@example.com"
    await world.call("accounts.add_user", {"email": email, "name": "Person", "password": PASSWORD})
    token = (await world.call("accounts.sign_in", {"email": email, "password": PASSWORD})).token
    await call("GET /api/auth/me", headers={"authorization": f"Bearer {token}"})
    await call("GET /api/auth/validate-key")
    key = await call("POST /api/v1/api-keys", {"name": "second", "scopes": ["agents"]})
    await call("GET /api/v1/api-keys")
    await call("DELETE /api/v1/api-keys/{key_id}", key_id=key["id"])
    client = (await call("POST /api/mcp/clients", {"name": "desk", "kind": "claude_desktop"}))["client_id"]
    await call("GET /api/mcp/clients")
    await call("POST /api/mcp/clients/{client_id}/rotate", client_id=client)
    await call("POST /api/mcp/clients/{client_id}/revoke", client_id=client)


async def _checks(recorder: Recorder) -> None:
    call = recorder.call
    check = await call("POST /api/v1/check-action", {"tool": "crm.read", "args": {"id": 1}})
    assert check["decision"] == "authorized"
    report = {"tool": "crm.read", "check_id": check["check_id"], "outcome": "success", "cost_usd": 0.01}
    await call("POST /api/v1/record-outcome", report)
    await call("POST /api/v1/check-action", {"tool": "crm.write", "args": {"id": 1}})  # leaves a gap for verify
    for verb in ("approve", "reject"):
        held = await call("POST /api/v1/check-action", {"tool": "pay.out", "args": {"how": verb}})
        assert held["decision"] == "escalated"
        assert held["approval_poll_url"].endswith(f"/api/v1/approvals/{held['escalation_id']}")
        await call("GET /api/v1/approvals/{id}", id=held["escalation_id"])
        await call(f"POST /api/v1/approvals/{{id}}/{verb}", {"comment": "Seen."}, id=held["escalation_id"])


async def _agents(recorder: Recorder) -> None:
    call, server = recorder.call, recorder.server
    agent = await call("POST /api/v1/agents", REFUND_DESK)
    await call("PATCH /api/v1/agents/{agent_id}", {"max_iterations": 9}, agent_id=agent["id"])
    await call("GET /api/v1/agents/{agent_id}", agent_id=agent["id"])
    await call("GET /api/v1/agents")
    task = {"task": "Handle this message.", "message": f"Refund {CHARGE} please. ORDER NW-10482"}
    for ending in ("approved", "cancelled"):
        run = await call("POST /api/v1/agents/{agent_id}/run", {"input_data": task}, agent_id=agent["id"])
        gate = await pending_approval(server, run["run_id"])
        await call("GET /api/v1/approvals", status="pending")
        if ending == "approved":
            await call("POST /api/v1/approvals/{id}/approve", {}, id=gate["id"])
            assert (await finished(server, run["run_id"]))["status"] == "completed"
            await call("GET /api/v1/runs/{run_id}", run_id=run["run_id"])
        else:
            await call("POST /api/v1/runs/{run_id}/cancel", run_id=run["run_id"])
    await call("GET /api/v1/runs", limit="10", offset="0")
    await call("DELETE /api/v1/agents/{agent_id}", agent_id=agent["id"])


MCP = {"POST /api/mcp", "GET /api/mcp/sse", "POST /api/mcp/sse/messages", "GET /api/mcp", "DELETE /api/mcp"}
BY_HAND = MCP | {"GET /api/ledger/export"} | BY_HAND_ELSEWHERE
"""No plain replies: the tests below and the suites of the MCP face and the ledger hold them to the contract."""


async def test_real_replies_have_every_field_written_as_the_contract_says(server: Server, sandbox: Sandbox) -> None:
    replies = await drive(server, sandbox)
    assert sorted(set(BUILT) - set(replies) - BY_HAND) == [], "built, but never used here"
    bodies = {name: entry["response"]["body"] for name, entry in DOCUMENTED.items() if name not in BY_HAND}
    # A run's detail is documented for workflows; an agent's run answers in the same shape.
    bodies["GET /api/v1/runs/{run_id}"] = ENTRIES["GET /api/v1/workflows/{workflow_id}/runs/{run_id}"]["response"][
        "body"
    ]
    missing, wrong = defaultdict(list), {}
    for name, body in bodies.items():
        for field, words in body.items():
            path = re.split(r"\.|(?<=.)(?=\[\])", field)
            values = values_at(replies[name], ["[]", *path])
            if not values:
                missing[name].append(field)
            wrong.update({f"{name} {field}": (words, value) for value in values if not is_written(value, str(words))})
    assert dict(missing) == GAPS["response_fields"]
    assert wrong == {}


def values_at(value: Any, path: list[str]) -> list[Any]:
    """Every value that a path reaches."""
    if not path:
        return [value]
    if path[0] == "[]":
        return [found for item in value for found in values_at(item, path[1:])] if isinstance(value, list) else []
    return values_at(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


def is_written(value: Any, words: str) -> bool:
    """Whether a value looks as the contract's words about it."""
    kind = re.split(r"[ ,;]", words)[0]
    if value is None:
        return kind not in {"timestamp", "boolean", "integer"} or "null" in words
    if prefix := re.match(r"string, prefix ([a-z]+_)", words):
        return isinstance(value, str) and value.startswith(prefix[1])
    if literal := re.fullmatch(r"'([^']*)'( \(inferred\))?", words):
        return bool(value == literal[1])
    if kind == "timestamp":
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(value)) is not None
    kinds: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list}
    return isinstance(value, kinds.get(kind, object)) and not (kind in {"integer", "number"} and value is True)


def naming(status: int) -> list[str]:
    """The endpoints that document an error status."""
    return [name for name, entry in DOCUMENTED.items() if status in {error["status"] for error in entry["errors"]}]


@ONE_DATABASE
@pytest.mark.parametrize("name", naming(404))
async def test_what_does_not_exist_is_404(server: Server, name: str) -> None:
    method, path = concrete(name)
    bodies: dict[str, dict[str, Any]] = {
        "POST /api/embed/{embed_id}/chat": {"message": "Hello."},
        "POST /api/v1/agents/{agent_id}/run": {"input_data": {}},
        "POST /api/v1/tables/{id}/rows": {"data": {}},
        "POST /api/v1/forms/{id}/submit": {"data": {}},
        "POST /api/platforms/{connection_token}/webhook": {"tool": "x"},
        "POST /api/v1/record-outcome": {"tool": "x", "outcome": "success", "check_id": f"chk_{UNKNOWN}"},
        "POST /api/mcp/sse/messages": {"jsonrpc": "2.0", "id": 1, "method": "ping"},
    }
    headers = {"x-api-key": server.key}
    if name in MCP:
        client = await World(server, server.key, SAMPLES).run("accounts.register_client")
        headers = {"authorization": f"Bearer {client.bearer}", "mcp-session-id": "unknown"}
    answer = await server.http.request(
        method,
        path,
        json=bodies.get(name, {}) if method in {"POST", "PATCH"} else None,
        params={"session_id": "unknown"} if "sse" in path else None,
        headers=headers,
    )
    if (name, answer.status_code) == ("DELETE /api/mcp", 405):  # the contract allows either
        return
    assert answer.status_code == 404, answer.text
    assert_error(answer, "not_found")


@ONE_DATABASE
@pytest.mark.parametrize("name", [name for name in naming(422) if "/approvals/" not in name])  # theirs needs a tool
async def test_what_is_against_the_schema_is_422(server: Server, name: str) -> None:
    method, path = concrete(name)
    answer = await server.http.request(
        method,
        path,
        json={"a_field_nobody_knows": 1} if method != "GET" else None,
        params={"limit": "many"} if method == "GET" else None,
        headers={"x-api-key": server.key},
    )
    assert answer.status_code == 422, answer.text
    assert assert_error(answer, "validation_error")["field"]


@ONE_DATABASE
async def test_the_mcp_door_answers_as_documented(server: Server) -> None:
    world = World(server, server.key, SAMPLES)
    bearer = (await world.call("accounts.register_client", {"name": "desk", "kind": "cursor"})).bearer

    async def rpc(method: str, **params: Any) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        answer = await server.http.post("/api/mcp", json=message, headers={"authorization": f"Bearer {bearer}"})
        assert answer.status_code == 200, answer.text
        assert all(header in answer.headers for header in RATE_HEADERS)
        body: dict[str, Any] = answer.json()
        assert (body["jsonrpc"], body["id"]) == ("2.0", 7)
        return body

    tools = (await rpc("tools/list"))["result"]["tools"]
    assert all({"name", "description", "inputSchema"} <= set(tool) for tool in tools)
    refund = {"charge_id": CHARGE, "amount_cents": 100}
    gated = (await rpc("tools/call", name="payments.create_refund", arguments=refund))["result"]
    told = json.loads(gated["content"][0]["text"])
    assert (gated["content"][0]["type"], gated["isError"], gated["structuredContent"]) == ("text", False, told)
    assert set(told) >= {"ok", "status", "reason", "escalation_id", "tool"}
    assert (told["ok"], told["status"], told["tool"]) == (False, "action_required", "payments.create_refund")
    assert told["escalation_id"].startswith("esc_")
    assert (await rpc("tools/call", name="no.such_tool", arguments={}))["error"]["code"] == -32602
    assert (await rpc("no/such/method"))["error"]["code"] == -32601


@ONE_DATABASE
async def test_wrong_state_is_409(server: Server) -> None:
    world = World(server, server.key, SAMPLES)
    client = (await world.run("accounts.register_client")).id
    revoke, rotate = (f"/api/mcp/clients/{client}/{verb}" for verb in ("revoke", "rotate"))
    assert (await server.post(revoke)).status_code == 200
    for path in (revoke, rotate):
        assert_error(await conflicting(server, path, {}), "conflict")

    check = {"tool": "crm.read", "args": {"a": 1}, "idempotency_key": "once"}
    first = (await server.post("/api/v1/check-action", check)).json()
    assert (await server.post("/api/v1/check-action", check)).json() == first
    await conflicting(server, "/api/v1/check-action", {**check, "args": {"a": 2}})

    outcome = {"tool": "crm.read", "check_id": first["check_id"], "outcome": "success"}
    told = (await server.post("/api/v1/record-outcome", outcome)).json()
    again = (await server.post("/api/v1/record-outcome", outcome)).json()
    assert again["attestation"] == told["attestation"]
    await conflicting(server, "/api/v1/record-outcome", {**outcome, "outcome": "error"})

    gate = (await world.run("approvals.approve")).id
    for verb in ("approve", "reject"):
        await conflicting(server, f"/api/v1/approvals/{gate}/{verb}", {})


async def conflicting(server: Server, path: str, body: dict[str, Any]) -> httpx.Response:
    """The reply to what is one too many."""
    answer = await server.post(path, body)
    assert answer.status_code == 409, answer.text
    assert {"detail", "error"} == set(answer.json())
    return answer


@ONE_DATABASE
async def test_a_key_without_the_surface_is_403(server: Server) -> None:
    poor = (await server.post("/api/v1/api-keys", {"name": "poor", "scopes": ["tables"]})).json()["key"]
    for path in ("/api/v1/agents", "/api/v1/runs", "/api/v1/approvals", "/api/v1/api-keys"):
        answer = await server.get(path, key=poor)
        assert answer.status_code == 403, path
        assert_error(answer, "forbidden")
    for path in ("/api/v1/budget", "/api/ledger/verify", "/api/mcp/tools", "/api/auth/validate-key"):
        assert (await server.get(path, key=poor)).status_code == 200, path


@ONE_DATABASE
async def test_an_exhausted_budget_is_503_for_work_and_a_denial_for_a_check(server: Server) -> None:
    agent = (await World(server, server.key, SAMPLES).run("agents.create")).id
    await server.patch("/api/v1/budget", {"monthly_cap": 0})
    answer = await server.post(f"/api/v1/agents/{agent}/run", {"input_data": {"task": "x"}})
    assert answer.status_code == 503, answer.text
    assert set(assert_error(answer, "budget_exceeded")) >= {"monthly_spent", "monthly_cap"}
    check = await server.post("/api/v1/check-action", {"tool": "crm.read", "cost_estimate": 1})
    assert (check.status_code, check.json()["decision"]) == (200, "denied")
    assert "budget_exhausted" in check.json()["reason"]
