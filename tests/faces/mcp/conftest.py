"""A server with nothing but the MCP face, really listening, over a workspace whose accounts are the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from interlock.domains.accounts.events import ClientTokenChanged
from interlock.domains.accounts.service import clients
from interlock.domains.accounts.states import ClientKind
from interlock.domains.accounts.views import McpClientToken
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.events import ApprovalDecided
from interlock.domains.tools.events import ToolCallSettled
from interlock.domains.tools.subscribers import on_approval_decided
from interlock.faces.mcp import app
from interlock.faces.mcp.announcements import announce_settled
from interlock.faces.mcp.connections import connections_of, on_client_token_changed
from interlock.faces.web.middleware import Edge
from interlock.runtime.context import Ctx
from interlock.runtime.settings import Settings
from interlock.sandbox import Sandbox, serve
from interlock.sandbox.server import listening
from tests.domains.tools.world import ToolWorld, build_world


@dataclass
class McpServer:
    """A listening server, its world, and one registered client."""

    world: ToolWorld
    url: str
    client: McpClientToken
    http: httpx.AsyncClient
    settlement: asyncio.Event

    async def settled(self) -> None:
        """Wait until a held call has been settled."""
        async with asyncio.timeout(10):
            await self.settlement.wait()

    @property
    def headers(self) -> dict[str, str]:
        """What a configured client sends."""
        return {"Authorization": f"Bearer {self.client.bearer}"}

    async def register(self, **scope: Any) -> McpClientToken:
        """Another client."""
        command = clients.RegisterClient(name="other", kind=ClientKind.CUSTOM, **scope)
        return await self.world.base.call(clients.register_client, command)

    async def post(self, body: Any, bearer: str | None = None, **headers: str) -> httpx.Response:
        """POST a body as a plain HTTP client would: no handshake, no session."""
        sent = {"Authorization": f"Bearer {bearer or self.client.bearer}", **headers}
        if isinstance(body, bytes):
            return await self.http.post("/api/mcp", content=body, headers=sent)
        return await self.http.post("/api/mcp", json=body, headers=sent)

    async def rpc(self, method: str, params: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """One request's whole reply."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, **({} if params is None else {"params": params})}
        reply: dict[str, Any] = (await self.post(body, **headers)).json()
        return reply

    async def tool(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """The result of one tools/call."""
        reply = await self.rpc("tools/call", {"name": name, "arguments": arguments})
        result: dict[str, Any] = reply["result"]
        return result

    async def approve(self, escalation_id: str) -> None:
        """Have a person agree."""
        command = approvals.Approve.model_validate({"approval_id": escalation_id})
        await self.world.base.call(approvals.approve, command)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The pretend outside world."""
    async with serve() as running:
        yield running


@pytest.fixture
async def server(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[McpServer]:
    """The server, with jobs at work."""
    values: dict[str, Any] = {
        "data_dir": tmp_path,
        "database_url": None,
        "http_allow_private": "127.0.0.0/8",
        "rate_limit_per_minute": 1000,
    }
    world = await build_world(Settings.model_validate(values), sandbox)
    await world.connect()
    runtime = world.base.runtime
    runtime.jobs.subscribe(ClientTokenChanged, "mcp.on_client_token_changed", on_client_token_changed)
    runtime.jobs.subscribe(ApprovalDecided, "tools.on_approval_decided", on_approval_decided)
    runtime.jobs.subscribe(ToolCallSettled, "mcp.announce_settled", announce_settled)
    settlement = asyncio.Event()

    async def note(_ctx: Ctx, _event: ToolCallSettled) -> None:
        settlement.set()

    runtime.jobs.subscribe(ToolCallSettled, "test.note", note)
    worker = asyncio.create_task(runtime.jobs.run(runtime))
    inner = Starlette(routes=app.routes())
    inner.state.runtime = runtime
    command = clients.RegisterClient(name="claude", kind=ClientKind.CUSTOM)
    registered = await world.base.call(clients.register_client, command)
    async with (
        listening(Edge(inner, runtime)) as url,
        httpx.AsyncClient(base_url=url, timeout=10, trust_env=False, verify=False) as http,
    ):
        yield McpServer(world, url, registered, http, settlement)
        connections_of(runtime).close_all()
    await runtime.jobs.stop()
    await worker
    await runtime.http.close()
    await runtime.database.close()
