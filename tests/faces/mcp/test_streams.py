import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from interlock.domains.accounts.service import clients
from interlock.faces.mcp import sse
from interlock.faces.web import credentials
from interlock.kit.errors import InterlockError, Kind, unauthenticated
from interlock.runtime.context import Ctx
from interlock.sandbox.stripe_data import FIRST_CHARGE
from tests.domains.tools.world import REFUND
from tests.faces.mcp.conftest import McpServer


@asynccontextmanager
async def _open(server: McpServer, path: str, **headers: str) -> AsyncIterator[AsyncIterator[str]]:
    async with server.http.stream("GET", path, headers={**server.headers, **headers}) as response:
        assert response.status_code == 200
        yield response.aiter_lines()


async def _next(lines: AsyncIterator[str], start: str) -> str:
    async with asyncio.timeout(10):
        async for line in lines:
            if line.startswith(start):
                return line.removeprefix(start)
    raise AssertionError("the stream ended")


async def _refund(server: McpServer) -> str:
    held = await server.tool(REFUND, charge_id=FIRST_CHARGE, amount_cents=100)
    return str(held["structuredContent"]["escalation_id"])


async def test_a_settled_escalation_is_announced_and_can_be_read_again(server: McpServer) -> None:
    async with _open(server, "/api/mcp") as lines:
        assert await _next(lines, "retry: ")
        escalation = await _refund(server)
        await server.approve(escalation)
        number = await _next(lines, "id: ")
        news: dict[str, Any] = json.loads(await _next(lines, "data: "))
    assert news["method"] == "notifications/message"
    assert news["params"]["data"]["escalation_id"] == escalation
    assert news["params"]["data"]["status"] == "done"
    async with _open(server, "/api/mcp", **{"Last-Event-ID": str(int(number) - 1)}) as lines:
        assert json.loads(await _next(lines, "data: ")) == news


@pytest.mark.parametrize("path", ["/api/mcp", "/api/mcp/sse"])
@pytest.mark.parametrize("change", [clients.rotate_client, clients.revoke_client])
async def test_a_stream_closes_when_its_bearer_dies(server: McpServer, path: str, change: Any) -> None:
    async with _open(server, path) as lines:
        await anext(lines)
        await server.world.base.call(change, clients.ClientRef(client_id=server.client.id))
        async with asyncio.timeout(10):
            rest = [line async for line in lines]
    assert not any(line.startswith("data: {") for line in rest)


async def test_a_stream_outlives_database_trouble_but_not_its_bearer(
    server: McpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "_HEARTBEAT_SECONDS", 0.01)
    trouble = InterlockError(Kind.UNAVAILABLE, "The database is away.")

    async def identify(*_: object, **__: object) -> Ctx:
        raise trouble

    async with _open(server, "/api/mcp/sse") as lines:
        assert await _next(lines, "data: ")
        monkeypatch.setattr(credentials, "identify", identify)
        for _ in range(3):
            assert await _next(lines, ": keep-alive") == ""
        trouble = unauthenticated("Revoked.")
        async with asyncio.timeout(10):
            rest = [line async for line in lines]
    assert set(rest) <= {"", ": keep-alive"}


async def test_the_legacy_stream_carries_replies_in_the_order_they_are_ready(server: McpServer) -> None:
    async with _open(server, "/api/mcp/sse") as lines:
        endpoint = await _next(lines, "data: ")
        posted = await server.http.post(
            endpoint, json={"jsonrpc": "2.0", "id": 7, "method": "ping"}, headers=server.headers
        )
        assert (posted.status_code, posted.content) == (202, b"")
        assert json.loads(await _next(lines, "data: ")) == {"jsonrpc": "2.0", "id": 7, "result": {}}


async def test_the_legacy_messages_need_their_own_open_stream(server: McpServer) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
    nowhere = await server.http.post("/api/mcp/sse/messages?session_id=x", json=body, headers=server.headers)
    assert nowhere.status_code == 404
    other = await server.register()
    async with _open(server, "/api/mcp/sse") as lines:
        endpoint = await _next(lines, "data: ")
        stolen: httpx.Response = await server.http.post(
            endpoint, json=body, headers={"Authorization": f"Bearer {other.bearer}"}
        )
        assert stolen.status_code == 404
        bad = await server.http.post(endpoint, content=b"{", headers=server.headers)
        assert bad.status_code == 400
    closed = await server.http.post(endpoint, json=body, headers=server.headers)
    assert closed.status_code == 404


async def test_head_does_not_hang(server: McpServer) -> None:
    for path in ("/api/mcp", "/api/mcp/sse"):
        assert (await server.http.head(path, headers=server.headers)).status_code == 200
