"""The official client library against this server, over each transport; what it accepts, others will."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from interlock.faces.mcp.connections import connections_of
from interlock.sandbox.stripe_data import FIRST_CHARGE
from tests.domains.tools.world import REFUND, SLACK
from tests.faces.mcp.conftest import McpServer
from tests.support.app import MASTER_KEY

ROOT = Path(__file__).parents[3]
TRANSPORTS = ("http", "sse", "stdio")


@asynccontextmanager
async def connected(server: McpServer, transport: str, **more: Any) -> AsyncIterator[Client]:
    """A client as a user configures it: the URL and the bearer, or the command and the bearer."""
    if transport == "http":
        async with (
            httpx2.AsyncClient(headers=server.headers, timeout=10) as http,
            Client(streamable_http_client(f"{server.url}/api/mcp", http_client=http), **more) as client,
        ):
            yield client
    elif transport == "sse":
        async with Client(sse_client(f"{server.url}/api/mcp/sse", headers=server.headers), **more) as client:
            yield client
    else:
        settings = server.world.base.runtime.settings
        environment = {
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            "INTERLOCK_DATA_DIR": str(settings.data_dir),
            "INTERLOCK_MASTER_KEY": MASTER_KEY,
            "INTERLOCK_HTTP_ALLOW_PRIVATE": "127.0.0.0/8",
            "INTERLOCK_MCP_TOKEN": server.client.bearer,
        }
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "tests.faces.mcp.stdio_server"], env=environment, cwd=str(ROOT)
        )
        async with Client(command, **more) as client:
            yield client


@pytest.mark.parametrize(
    ("transport", "mode"), [("http", "auto"), ("http", "legacy"), ("sse", "auto"), ("stdio", "auto")]
)
async def test_it_lists_and_calls_tools(server: McpServer, transport: str, mode: str) -> None:
    async with connected(server, transport, mode=mode) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools][:2] == [SLACK, "comms.send_email"]
        done = await client.call_tool(SLACK, {"channel": "#support", "text": f"over {transport}"})
        assert done.is_error is False
        assert done.structured_content is not None
        assert done.structured_content["ok"] is True
        held = await client.call_tool(REFUND, {"charge_id": FIRST_CHARGE})
        assert held.structured_content is not None
        assert held.structured_content["status"] == "action_required"
        with pytest.raises(MCPError) as caught:
            await client.call_tool("web_search", {"q": "x"})
        assert caught.value.code == -32602
    assert [effect["text"] for effect in server.world.effects("slack")] == [f"over {transport}"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_it_agrees_on_a_version_whether_it_probes_or_not(server: McpServer, transport: str, mode: str) -> None:
    async with connected(server, transport, mode=mode) as client:
        stateless = mode == "auto" and transport == "http"
        assert client.protocol_version == ("2026-07-28" if stateless else "2025-11-25")
        assert client.server_info is not None
        assert client.server_info.name == "interlock"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_it_hears_of_progress(server: McpServer, mode: str) -> None:
    heard: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async with connected(server, "http", mode=mode) as client:
        given = {"channel": "#support", "text": "x"}
        assert (await client.call_tool(SLACK, given, progress_callback=note)).is_error is False
    assert heard == [0]


async def test_it_ends_its_session_when_it_leaves(server: McpServer) -> None:
    async with connected(server, "http", mode="legacy"):
        pass
    sessions = connections_of(server.world.base.runtime)._sessions
    assert [session.ended for session in sessions.values()] == [True]


async def test_it_does_not_get_in_with_a_dead_bearer(server: McpServer) -> None:
    async with httpx2.AsyncClient(headers={"Authorization": "Bearer whsec_dead"}) as http:
        client = Client(streamable_http_client(f"{server.url}/api/mcp", http_client=http))
        with pytest.raises(ExceptionGroup):
            await client.__aenter__()
