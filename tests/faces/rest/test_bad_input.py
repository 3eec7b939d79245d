"""Whatever arrives, the native API answers in its own words: no crash, no silence, no half-read request."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import ASGIApp, Message

from interlock import main
from tests.support.app import Server

AGENTS = "/api/v1/agents"
AGENT = {"name": "Ada", "model": "scripted:none"}
UNKNOWN = "agent_01h455vb4pex5vsknk084sn02q"

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = ONE_DATABASE  # what is refused at the door never reaches a database


async def send(server: Server, content: bytes, **headers: str) -> httpx.Response:
    """POST raw bytes as JSON."""
    wanted = {"x-api-key": server.key, "content-type": "application/json", **headers}
    return await server.http.post(AGENTS, content=content, headers=wanted)


async def look(server: Server, path: str) -> httpx.Response:
    """GET a path with its query as it stands."""
    return await server.http.get(path, headers={"x-api-key": server.key})


def told(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The details of an error that has both keys readers look for."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"detail", "error"}
    assert isinstance(body["detail"], str)
    assert body["detail"] == body["error"]["message"]
    assert body["error"]["code"] == code
    assert answer.headers["x-request-id"]
    details: dict[str, Any] = body["error"]["details"]
    return details


@pytest.fixture
async def agents_before_and_after(server: Server) -> AsyncIterator[None]:
    """Nothing that is refused leaves an agent behind."""
    yield
    assert (await server.get(AGENTS)).json() == []


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"nonsense",
        b"{'name': 'x'}",
        b'{"name": }',
        b'{"a":1}{"b":2}',
        b"\xff\xfe{}",
        b'{"name": "\xc3("}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": 01}',
        b"\x00",
        b'{"name": "\\ud800"}',
        b'{"name": "\xed\xa0\x80"}',
    ],
)
async def test_malformed_json_is_400(server: Server, content: bytes, agents_before_and_after: None) -> None:
    told(await send(server, content), 400, "invalid_request")


@pytest.mark.parametrize("content", [b"[]", b"1", b'"text"', b"null", b"true", b'[{"name":"x","model":"y"}]'])
async def test_a_body_that_is_no_object_is_400(server: Server, content: bytes, agents_before_and_after: None) -> None:
    told(await send(server, content), 400, "invalid_request")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": ["x"]}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"model": "m" * 201}, "model"),
        ({"tools": "web_search"}, "tools"),
        ({"tools": [1]}, "tools.0"),
        ({"tools": ["x"] * 201}, "tools"),
        ({"max_iterations": "ten"}, "max_iterations"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"max_iterations": -1}, "max_iterations"),
        ({"max_iterations": 1.5}, "max_iterations"),
        ({"max_iterations": 10**40}, "max_iterations"),
        ({"budget_per_run": -0.01}, "budget_per_run"),
        ({"budget_per_run": 1e300}, "budget_per_run"),
        ({"budget_per_run": "a lot"}, "budget_per_run"),
        ({"budget_per_run": "NaN"}, "budget_per_run"),
        ({"budget_per_run": "Infinity"}, "budget_per_run"),
        ({"budget_per_run": True}, "budget_per_run"),
        ({"colour": "red"}, "colour"),
        ({"id": UNKNOWN}, "id"),
        ({"workspace_id": "ws_01h455vb4pex5vsknk084sn02q"}, "workspace_id"),
    ],
)
async def test_a_wrong_value_is_422_and_names_its_field(
    server: Server, change: dict[str, Any], field: str, agents_before_and_after: None
) -> None:
    body = {**AGENT, **change}
    raw = (
        orjson.dumps(body)
        if 10**40 not in body.values()
        else b'{"name":"x","model":"y","max_iterations":1%s}' % (b"0" * 40)
    )
    details = told(await send(server, raw), 422, "validation_error")
    assert details["field"] == field
    assert field in {problem["field"] for problem in details["problems"]}


async def test_a_missing_field_is_422_and_named(server: Server) -> None:
    assert told(await server.post(AGENTS, {"name": "x"}), 422, "validation_error")["field"] == "model"
    assert told(await send(server, b""), 422, "validation_error")["field"] == "name"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({**AGENT, "name": "nul\x00"}, "body.name"),
        ({**AGENT, "tools": ["fine", "nul\x00"]}, "body.tools[1]"),
        ({**AGENT, "na\x00me": "x"}, "body"),
    ],
)
async def test_a_nul_character_is_422_and_located(
    server: Server, body: dict[str, Any], where: str, agents_before_and_after: None
) -> None:
    details = told(await server.post(AGENTS, body), 422, "validation_error")
    assert details["field"] == where


@pytest.mark.parametrize(
    "path", [f"{AGENTS}?status=%00", f"{AGENTS}/agent_%00", f"{AGENTS}/%00", "/api/ledger?tool=a%00b"]
)
async def test_a_nul_character_in_an_address_is_refused(server: Server, path: str) -> None:
    answer = await look(server, path)
    assert answer.status_code in {404, 422}, answer.text
    assert set(answer.json()) == {"detail", "error"}


@pytest.mark.parametrize("path", [f"{AGENTS}?status=%ED%A0%80", f"{AGENTS}/%FF%FE", f"{AGENTS}/{'%F0%9F%9A%B2' * 50}"])
async def test_text_that_is_no_utf8_in_an_address_is_refused(server: Server, path: str) -> None:
    answer = await look(server, path)
    assert answer.status_code in {404, 422}, answer.text
    assert set(answer.json()) == {"detail", "error"}


async def test_unusual_but_lawful_text_survives(server: Server) -> None:
    name = 'Zoë 🚲 \u202eright to left\u2028line\t"quoted" <b>&amp;</b> \'; DROP TABLE agents; --'
    made = await server.post(AGENTS, {**AGENT, "name": name})
    assert made.status_code == 200, made.text
    assert (await server.get(f"{AGENTS}/{made.json()['id']}")).json()["name"] == name


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
async def test_deep_nesting_is_400_whether_or_not_it_is_closed(server: Server, opening: bytes) -> None:
    closing = b"1" + (b"}" if opening.startswith(b"{") else b"]") * 100_000
    told(await send(server, b'{"name":' + opening * 100_000 + closing + b"}"), 400, "invalid_request")
    told(await send(server, opening * 500_000), 400, "invalid_request")


async def test_nesting_within_reason_is_read(server: Server) -> None:
    agent = (await server.post(AGENTS, AGENT)).json()["id"]
    deep: Any = "bottom"
    for _ in range(50):
        deep = [deep]
    answer = await server.post(f"{AGENTS}/{agent}/run", {"input_data": {"task": "x", "deep": deep}})
    assert answer.status_code == 200, answer.text


SMALL = 20_000


def small_app(server: Server) -> ASGIApp:
    """The same server, but it takes bodies of at most 20,000 bytes."""
    settings = server.runtime.settings.model_copy(update={"max_body_bytes": SMALL})
    return main.create_app(replace(server.runtime, settings=settings))


async def test_an_oversized_body_is_413(server: Server) -> None:
    transport = httpx.ASGITransport(app=small_app(server))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        headers = {"x-api-key": server.key}
        answer = await http.post(AGENTS, content=b'{"name":"' + b"x" * SMALL + b'"}', headers=headers)
        assert told(answer, 413, "body_too_large")["limit_bytes"] == SMALL
        fits = orjson.dumps({**AGENT, "system_prompt": "x" * (SMALL - 200)})
        assert (await http.post(AGENTS, content=fits, headers=headers)).status_code == 200


async def test_an_oversized_body_in_chunks_is_413_before_it_has_all_been_read(server: Server) -> None:
    chunks = [b'{"name":"', *(b"x" * 1_000 for _ in range(10_000))]
    status, _ = await raw_request(
        small_app(server), "POST", AGENTS, [(b"x-api-key", server.key.encode())], chunks=chunks
    )
    assert status == 413
    assert len(chunks) > 9_900


@pytest.mark.parametrize("length", ["0", "5", "nonsense", "-1", "99999999999999999999"])
async def test_a_lying_content_length_does_not_get_a_large_body_in(server: Server, length: str) -> None:
    status, _ = await raw_request(
        small_app(server),
        "POST",
        AGENTS,
        [(b"x-api-key", server.key.encode()), (b"content-length", length.encode())],
        chunks=[b'{"name":"', b"x" * 50_000, b'"}'],
    )
    assert status == 413


async def raw_request(
    app: ASGIApp,
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    *,
    chunks: list[bytes] | None = None,
    query: bytes = b"",
    client: tuple[str, int] = ("127.0.0.1", 5000),
) -> tuple[int, dict[str, str]]:
    """One request in ASGI terms, for what an HTTP library would not send."""
    pending = [] if chunks is None else chunks
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"testserver"), *headers],
        "client": client,
        "server": ("testserver", 80),
    }
    answer: dict[str, Any] = {}

    async def receive() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(0), "more_body": bool(pending)}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def reply(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["headers"] = {name.decode().lower(): value.decode() for name, value in message["headers"]}

    async with asyncio.timeout(20):
        await app(scope, receive, reply)
    return answer["status"], answer["headers"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", AGENTS), ("DELETE", AGENTS), ("PATCH", "/api/v1/budget/"), ("POST", "/openapi.json"), ("TRACE", AGENTS)],
)
async def test_a_wrong_method_or_path_is_told_in_json(server: Server, method: str, path: str) -> None:
    answer = await server.http.request(method, path, headers={"x-api-key": server.key})
    if path.endswith("/"):
        told(answer, 404, "not_found")
    else:
        told(answer, 405, "method_not_allowed")
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/nothing", "/api/v1/agents/a/b/c", "//api/v1/agents", "/api/v1/../x"]
)
async def test_an_unknown_path_is_404_without_a_redirect(server: Server, path: str) -> None:
    status, headers = await raw_request(
        main.create_app(server.runtime), "GET", path, [(b"x-api-key", server.key.encode())]
    )
    assert (status, headers["content-type"]) == (404, "application/json")
    assert "location" not in headers


@pytest.mark.parametrize(
    "reference",
    ["x", "agent_", "agent_" + "z" * 26, "run_01h455vb4pex5vsknk084sn02q", "9" * 5_000, "-1", "agent_%2e%2e"],
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_an_id_that_is_none_is_simply_not_found(server: Server, method: str, reference: str) -> None:
    answer = await server.http.request(
        method, f"{AGENTS}/{reference}", headers={"x-api-key": server.key}, json={} if method == "PATCH" else None
    )
    told(answer, 404, "not_found")
    assert len(answer.content) < 12_000


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=201",
        "limit=many",
        "limit=1e3",
        "offset=-1",
        "offset=99999999999999999999",
        "limit=",
        "status=sleeping",
        "colour=red",
        "limit=1&limit=2x",
    ],
)
async def test_a_wrong_query_is_422_and_names_its_field(server: Server, query: str) -> None:
    details = told(await look(server, f"{AGENTS}?{query}"), 422, "validation_error")
    assert details["field"] == query.partition("=")[0]


@pytest.mark.parametrize("value", ["-1", "1.5", "abc", "9" * 19, "\u0661", "0x10", "1,2"])
async def test_a_bad_last_event_id_is_422(server: Server, value: str) -> None:
    agent = (await server.post(AGENTS, AGENT)).json()["id"]
    run = (await server.post(f"{AGENTS}/{agent}/run", {"input_data": {"task": "x"}})).json()["run_id"]
    status, headers = await raw_request(
        main.create_app(server.runtime),
        "GET",
        f"/api/v1/runs/{run}/events",
        [(b"x-api-key", server.key.encode()), (b"last-event-id", value.encode("latin-1", "replace"))],
    )
    assert (status, headers["content-type"]) == (422, "application/json")


@pytest.mark.parametrize(
    "value", [b"a\r\nX-Evil: 1", b"a b", b"", b"x" * 81, b"<script>", b"\xff", b"a\x00b", "\u00fc".encode()]
)
async def test_a_bad_request_id_is_replaced(server: Server, value: bytes) -> None:
    status, headers = await raw_request(main.create_app(server.runtime), "GET", "/healthz", [(b"x-request-id", value)])
    assert status == 200
    assert headers["x-request-id"].isalnum()
    assert len(headers["x-request-id"]) == 32
    assert "x-evil" not in headers


async def test_a_good_request_id_is_kept_also_by_errors(server: Server) -> None:
    for path in ("/healthz", "/nothing", AGENTS):
        answer = await server.http.get(path, headers={"x-request-id": "trace-1.2:3_4"})
        assert answer.headers["x-request-id"] == "trace-1.2:3_4"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "sk_live_wrong"},
        {"x-api-key": "sk_live_" + "x" * 60_000},
        {"x-api-key": "whsec_wrong"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer sess_wrong"},
        {"authorization": "Basic b3duZXI6cGFzc3dvcmQ="},
        {"authorization": "Bearer sk_live_wrong"},
        {"cookie": "session=sess_wrong"},
    ],
)
async def test_a_credential_that_is_none_is_401_with_the_way_to_do_better(
    server: Server, headers: dict[str, str]
) -> None:
    answer = await server.http.get(AGENTS, headers=headers)
    details = told(answer, 401, "unauthorized")
    assert details["hint"]
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("value", [b"\xff\xfe", b"sk_live_\x00", "sk_live_\u00fc".encode()])
async def test_a_credential_of_odd_bytes_is_401(server: Server, value: bytes) -> None:
    for name in (b"x-api-key", b"authorization"):
        given = value if name == b"x-api-key" else b"Bearer " + value
        status, _ = await raw_request(main.create_app(server.runtime), "GET", AGENTS, [(name, given)])
        assert status == 401


async def limited_app(server: Server, proxies: str = "") -> ASGIApp:
    """The same server, but with room for two requests a minute."""
    networks = tuple(ip_network(network) for network in proxies.split(",") if network)
    settings = server.runtime.settings.model_copy(update={"rate_limit_per_minute": 2, "trusted_proxies": networks})
    return main.create_app(replace(server.runtime, settings=settings, _locals={}))


async def test_a_forwarded_address_from_anywhere_does_not_reset_the_limit(server: Server) -> None:
    app = await limited_app(server)
    statuses: list[int] = []
    headers: dict[str, str] = {}
    for number in range(4):
        forwarded = [(b"x-forwarded-for", b"203.0.113.%d" % number), (b"forwarded", b"for=203.0.113.%d" % number)]
        status, headers = await raw_request(app, "GET", AGENTS, forwarded)
        statuses.append(status)
    assert statuses == [401, 401, 429, 429]
    assert int(headers["retry-after"]) > 0
    assert headers["x-ratelimit-remaining"] == "0"


async def test_behind_a_trusted_proxy_each_client_is_counted_and_spoofing_does_not_help(server: Server) -> None:
    app = await limited_app(server, "127.0.0.0/8")
    statuses = []
    for number in range(4):  # the client invents the left part, the proxy appends the truth
        forwarded = [(b"x-forwarded-for", b"198.51.100.%d, 203.0.113.7" % number)]
        statuses.append((await raw_request(app, "GET", AGENTS, forwarded))[0])
    assert statuses == [401, 401, 429, 429]
    other = [(b"x-forwarded-for", b"203.0.113.8")]
    assert (await raw_request(app, "GET", AGENTS, other))[0] == 401


@pytest.mark.parametrize(
    "forwarded", [b"", b",", b"garbage", b"127.0.0.1", b", ,", b"\xff", b"1.2.3.4:80", b"[::1]", b"::1"]
)
async def test_an_odd_forwarded_address_is_no_crash(server: Server, forwarded: bytes) -> None:
    app = await limited_app(server, "127.0.0.0/8")
    assert (await raw_request(app, "GET", AGENTS, [(b"x-forwarded-for", forwarded)]))[0] == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8700", 200),
        ("localhost", 200),
        ("LOCALHOST:8700", 200),
        ("[::1]:8700", 200),
        ("stryda.localhost:8700", 200),
        ("evil.example", 403),
        ("evil.example:8700", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("evil-localhost", 403),
        ("xlocalhost", 403),
        ("169.254.169.254", 403),
        ("[::ffff:7f00:1].evil.example", 403),
        ("", 403),
        ("localhost@evil.example", 403),
        ("evil.example#.localhost", 403),
    ],
)
async def test_a_host_name_that_is_not_ours_is_refused(server: Server, host: str, status: int) -> None:
    answer = await server.http.get("/healthz", headers={"host": host})
    assert answer.status_code == status, answer.text
    if status == 403:
        assert "INTERLOCK_ALLOWED_HOSTS" in told(answer, 403, "forbidden")["hint"]


async def test_an_unforeseen_defect_is_500_without_its_details(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(server.runtime.database, "begin", broken)
    answer = await server.get(AGENTS)
    details = told(answer, 500, "internal_error")
    assert "secret detail" not in answer.text
    assert details["request_id"] == answer.headers["x-request-id"]
