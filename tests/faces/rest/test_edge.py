"""What the outermost layer counts and refuses: guessed credentials, many addresses of one customer, foreign names."""

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import ASGIApp

from interlock import main
from interlock.faces.web import sse
from tests.support.app import Server

AGENTS = "/api/v1/agents"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def edge(server: Server, **settings: Any) -> ASGIApp:
    """The same server behind a door with other settings, which has counted nothing yet."""
    changed = server.runtime.settings.model_copy(update={"rate_limit_per_minute": 3, **settings})
    return main.create_app(replace(server.runtime, settings=changed, _locals={}))


def browser(app: ASGIApp, address: str = "203.0.113.7") -> httpx.AsyncClient:
    """A client that connects from an address."""
    transport = httpx.ASGITransport(app=app, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


async def test_guessed_credentials_count_against_their_address_and_not_against_proven_ones(server: Server) -> None:
    app = edge(server)
    async with browser(app) as client, browser(app, "203.0.113.8") as elsewhere:
        mine = {"x-api-key": server.key}
        assert (await client.get(AGENTS, headers=mine)).status_code == 200
        guesses = [await client.get(AGENTS, headers={"x-api-key": f"sk_live_guess{n}"}) for n in range(4)]
        assert [answer.status_code for answer in guesses] == [401, 401, 429, 429]
        assert (await client.get(AGENTS, headers=mine)).status_code == 200, "whoever is proven goes on"
        assert (await elsewhere.get(AGENTS, headers={"x-api-key": "sk_live_guess"})).status_code == 401


async def test_a_path_that_proves_nothing_is_no_way_round(server: Server) -> None:
    async with browser(edge(server)) as client:
        paths = ("/nowhere", "/api/.well-known/jwks.json", "/docs", "/nowhere")
        statuses = [(await client.get(path, headers={"x-api-key": f"sk_live_{path}"})).status_code for path in paths]
    assert statuses == [404, 200, 200, 429]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:2::3", "2001:db8:1:2::4"], 429),
        (["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2::3", "2001:db8:1:3::4"], 401),
        (["::ffff:203.0.113.7", "203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7"], 429),
        (["203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8"], 401),
    ],
)
async def test_the_addresses_of_one_customer_are_one(server: Server, addresses: list[str], expected: int) -> None:
    app = edge(server, trusted_proxies=(ip_network("127.0.0.0/8"),))
    async with browser(app, "127.0.0.1") as client:
        answers = [await client.get(AGENTS, headers={"x-forwarded-for": address}) for address in addresses]
    assert [answer.status_code for answer in answers] == [401, 401, 401, expected]


@pytest.mark.parametrize(
    ("host", "allowed", "name", "status"),
    [
        ("127.0.0.1", (), "evil.example", 403),
        ("127.0.0.1", (), "testserver", 403),
        ("127.0.0.1", (), "localhost", 401),
        ("127.0.0.1", ("good.example",), "good.example", 401),
        ("0.0.0.0", (), "any.example", 401),
        ("0.0.0.0", ("good.example",), "good.example", 401),
        ("0.0.0.0", ("good.example",), "evil.example", 403),
    ],
)
async def test_names_are_checked_where_the_server_is_local_or_was_told_its_names(
    server: Server, host: str, allowed: tuple[str, ...], name: str, status: int
) -> None:
    async with browser(edge(server, host=host, allowed_hosts=allowed)) as client:
        assert (await client.get(AGENTS, headers={"host": name})).status_code == status
        health = (await client.get("/healthz", headers={"host": name})).status_code
    assert health == (403 if host == "127.0.0.1" and status == 403 else 200), "supervisors know no names"


@pytest.mark.parametrize("place", ["\u00b2", "\u0663", "-1", "1" * 19])
async def test_a_place_in_a_stream_is_a_plain_number(server: Server, place: str) -> None:
    path = "/api/v1/runs/run_01h455vb4pex5vsknk084sn02q/events"
    assert (await server.get(path, after=place)).status_code == 422


async def test_a_stream_ends_when_its_key_is_revoked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_CHECK_SECONDS", 0.01)
    key = (await server.post("/api/v1/api-keys", {"name": "reader", "scopes": ["workflows"]})).json()
    scope = {"type": "http", "headers": [(b"x-api-key", key["key"].encode())]}
    response = sse.stream_response(Request(scope), await server.ctx(key["key"]), "run:x", 0, lambda _: False)
    pieces = aiter(response.body_iterator)
    assert [await anext(pieces) for _ in range(3)] == [sse.RETRY, sse.HEARTBEAT, sse.HEARTBEAT]
    await server.delete(f"/api/v1/api-keys/{key['id']}")
    async with asyncio.timeout(20):
        assert {piece async for piece in pieces} <= {sse.HEARTBEAT}
