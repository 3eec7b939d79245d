import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interlock.domains.accounts.service import clients
from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult
from interlock.domains.tools.builtin import catalogue_of
from interlock.domains.tools.catalogue import tool_spec
from interlock.faces.mcp.stdio import serve_lines
from interlock.kit.errors import InterlockError, Kind
from tests.domains.tools.world import SLACK
from tests.faces.mcp.conftest import McpServer


class Pipe:
    """Lines in, replies out."""

    def __init__(self, server: McpServer, token: str | None = None) -> None:
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        runtime = server.world.base.runtime
        self.served = asyncio.create_task(
            serve_lines(runtime, token or server.client.bearer, self._read(), self._written)
        )

    async def _read(self) -> AsyncIterator[bytes]:
        while (line := await self._lines.get()) is not None:
            yield line

    def _written(self, line: bytes) -> None:
        assert line.endswith(b"\n")
        self._replies.put_nowait(json.loads(line))

    @property
    def silent(self) -> bool:
        """Whether every reply has been read."""
        return self._replies.empty()

    def send(self, line: Any) -> None:
        """One line, without waiting for a reply."""
        self._lines.put_nowait(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

    async def ask(self, line: Any) -> dict[str, Any]:
        """One line's reply."""
        self.send(line)
        async with asyncio.timeout(10):
            return await self._replies.get()

    async def close(self) -> None:
        """The end of stdin."""
        self._lines.put_nowait(None)
        async with asyncio.timeout(10):
            await self.served


async def test_lines_are_answered_with_lines(server: McpServer) -> None:
    pipe = Pipe(server)
    assert (await pipe.ask({"jsonrpc": "2.0", "id": 1, "method": "ping"}))["result"] == {}
    assert (await pipe.ask(b"{nonsense\n"))["error"]["code"] == -32700
    assert (await pipe.ask({"jsonrpc": "1.0", "id": 3, "method": "ping"}))["id"] == 3
    asked = {"name": SLACK, "arguments": {"channel": "#support", "text": "x"}}
    reply = await pipe.ask({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": asked})
    assert reply["result"]["isError"] is False
    level = {"jsonrpc": "2.0", "id": 5, "method": "logging/setLevel", "params": {"level": "error"}}
    assert (await pipe.ask(level))["result"] == {}
    await pipe.close()


async def test_a_revoked_bearer_is_refused_from_the_next_line_on(server: McpServer) -> None:
    pipe = Pipe(server)
    await pipe.ask({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    await server.world.base.call(clients.revoke_client, clients.ClientRef(client_id=server.client.id))
    assert (await pipe.ask({"jsonrpc": "2.0", "id": 2, "method": "ping"}))["error"]["code"] == -32001
    await pipe.close()


@pytest.mark.parametrize("token", ["whsec_unknown", "sk_live_unknown"])
async def test_nobody_else_is_served(server: McpServer, token: str) -> None:
    with pytest.raises(InterlockError) as caught:
        await Pipe(server, token).served
    assert caught.value.kind is Kind.UNAUTHENTICATED


async def test_a_cancelled_call_is_done_and_on_record_but_not_answered(server: McpServer) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_call: AdapterCall) -> AdapterResult:
        arrived.set()
        await go_on.wait()
        return AdapterResult({"ok": True})

    catalogue_of(server.world.base.runtime).add(tool_spec("test.slow", "Slow", "Waits.", {"properties": {}}, slow))
    pipe = Pipe(server)
    pipe.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "test.slow"}})
    async with asyncio.timeout(10):
        await arrived.wait()
    pipe.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    assert (await pipe.ask({"jsonrpc": "2.0", "id": 2, "method": "ping"}))["id"] == 2
    go_on.set()
    await pipe.close()
    assert pipe.silent
    assert [entry.outcome for entry in await server.world.evidence()] == ["success"]
