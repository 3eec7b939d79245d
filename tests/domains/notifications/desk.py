"""A server with a pretend outside world, alerts to trigger, and a way to wait for jobs to have been performed."""

import asyncio
import base64
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from sqlalchemy import select, update

from interlock.domains.connectors.service import ConnectAccount, connect
from interlock.domains.notifications.delivery import DELIVER
from interlock.domains.tools import service as tools
from interlock.domains.tools.views import ToolOutcome
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import JobId, Jobs, job_rows
from interlock.sandbox import Effect, ProviderName, Sandbox
from tests.support.app import Server
from tests.support.story import CREDENTIALS

PATIENCE_SECONDS = 30
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
CONTACT = "crm.create_contact"
REFUND = "payments.create_refund"


@dataclass
class Performed:
    """Counts the jobs that were performed, well or badly, by handler."""

    counts: Counter[str] = field(default_factory=Counter)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def watch(self, jobs: Jobs) -> None:
        """Count from now on."""
        attempt = jobs._attempt

        async def counted(ctx: Ctx, row: Any) -> None:
            await attempt(ctx, row)
            self.counts[row.handler] += 1
            async with self._news:
                self._news.notify_all()

        jobs._attempt = counted  # type: ignore[method-assign]

    async def until(self, handler: str, times: int) -> None:
        """Wait until a handler has been at work this many times."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(lambda: self.counts[handler] >= times)


@dataclass
class Desk:
    """What a test of notifications needs."""

    server: Server
    sandbox: Sandbox
    performed: Performed = field(default_factory=Performed)

    async def connect(self, *providers: str) -> None:
        """Connect accounts of the sandbox."""
        ctx = await self.server.ctx()
        for integration, provider, credentials in CREDENTIALS:
            if provider in providers:
                url = self.sandbox.url(ProviderName(provider))
                command = {"id": integration, "base_url": url, "credentials": credentials}
                await invoke(ctx, connect, ConnectAccount.model_validate(command))

    async def alerts_to(self, **alerts: Any) -> None:
        """Set where alerts go."""
        reply = await self.server.patch("/api/v1/settings", {"alerts": alerts})
        assert reply.status_code == httpx.codes.OK, reply.text

    async def policy(self, mode: str, *tool_globs: str, channels: tuple[str, ...] = (), name: str = "watch") -> str:
        """A policy that would have a person asked, in the given mode."""
        body = {
            "name": name,
            "type": "approval",
            "mode": mode,
            "match": {"tools": list(tool_globs)},
            "channels": list(channels),
        }
        reply = await self.server.post("/api/v1/policies", body)
        assert reply.status_code == httpx.codes.OK, reply.text
        return str(reply.json()["id"])

    async def call(self, tool: str = CONTACT, **arguments: Any) -> ToolOutcome:
        """Use a tool with the first key."""
        given = arguments or {"email": "jo@example.com"}
        return await invoke(await self.server.ctx(), tools.call, tools.CallTool(tool=tool, arguments=given))

    async def notes(self, **filters: Any) -> list[dict[str, Any]]:
        """The workspace's notifications, newest first."""
        reply = await self.server.get("/api/v1/notifications", **filters)
        assert reply.status_code == httpx.codes.OK, reply.text
        return list(reply.json())

    async def delivered(self, attempts: int = 1) -> list[dict[str, Any]]:
        """The notifications, once this many attempts to deliver have been made in all."""
        await self.performed.until(DELIVER, attempts)
        return await self.notes()

    async def hurry(self) -> None:
        """Have deliveries that wait for their next attempt made now."""
        ctx = await self.server.ctx()
        async with ctx.begin() as unit:
            statement = update(job_rows).where(job_rows.c.handler == DELIVER).values(run_at=ctx.now)
            await (await unit.session()).execute(statement)
        self.server.runtime.jobs._wake.set()

    async def waiting(self) -> int:
        """How many deliveries still wait."""
        async with (await self.server.ctx()).begin(write=False) as reading:
            statement = select(job_rows.c.id).where(job_rows.c.handler == DELIVER)
            return len((await (await reading.session()).execute(statement)).all())

    async def outbox(self) -> Ctx:
        """A context such as the outbox gives a subscriber; used again, it is the same delivery again."""
        ctx = await self.server.ctx()
        return replace(
            ctx, actor=SYSTEM, scopes=ALL_SCOPES, workspace_version=0, request_id=str(JobId.new()), face="jobs"
        )

    def messages(self) -> list[Effect]:
        """What Slack received."""
        return self.sandbox.state.effects_of(ProviderName.SLACK)
