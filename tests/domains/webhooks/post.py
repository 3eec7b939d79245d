"""A server whose courier is watched, with a clock that a test moves, and an independent check of signatures."""

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from interlock.domains.webhooks.courier import courier_of
from interlock.kit.clock import FixedClock
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Ctx
from interlock.runtime.jobs import JobId
from tests.runtime.peer import Answer, Received
from tests.support.app import Server

PATIENCE_SECONDS = 30
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Post:
    """What a test of deliveries needs."""

    server: Server
    attempts: int = 0
    clock: FixedClock = field(default_factory=lambda: FixedClock(datetime.now(UTC)))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self) -> None:
        """Count attempts from now on, by a clock that stands still."""
        self.server.runtime.clock = self.clock
        courier = courier_of(self.server.runtime)
        ended = courier._ended

        def counted(*arguments: Any) -> None:
            ended(*arguments)
            self.attempts += 1
            self._news.set()

        courier._ended = counted  # type: ignore[method-assign, assignment]

    async def until(self, attempts: int) -> None:
        """Wait until this many attempts have been made in all."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.attempts < attempts:
                self._news.clear()
                await self._news.wait()

    def later(self, by: timedelta) -> None:
        """Move the clock, and have the courier look at it."""
        self.clock.advance(by)
        courier_of(self.server.runtime).wake()

    async def subscribe(self, url: str, *events: str, **more: Any) -> dict[str, Any]:
        """A subscription with its secret."""
        reply = await self.server.post("/api/v1/webhooks", {"url": url, "events": list(events or ("*",)), **more})
        return json_of(reply)

    async def ping(self, subscription: dict[str, Any]) -> dict[str, Any]:
        """A test event for a subscription."""
        return json_of(await self.server.post(f"/api/v1/webhooks/{subscription['id']}/ping"))

    async def delivery(self, known: dict[str, Any]) -> dict[str, Any]:
        """A delivery as it stands."""
        return json_of(await self.server.get(f"/api/v1/webhooks/deliveries/{known['id']}"))

    async def deliveries(self, **filters: Any) -> list[dict[str, Any]]:
        """Deliveries, newest first."""
        reply = await self.server.get("/api/v1/webhooks/deliveries", **filters)
        assert reply.status_code == httpx.codes.OK, reply.text
        return list(reply.json())

    async def state_of(self, subscription: dict[str, Any]) -> dict[str, Any]:
        """A subscription as it stands."""
        return json_of(await self.server.get(f"/api/v1/webhooks/{subscription['id']}"))

    async def outbox(self) -> Ctx:
        """A context such as the outbox gives a subscriber; used again, it is the same delivery again."""
        ctx = await self.server.ctx()
        return replace(ctx, actor=SYSTEM, scopes=ALL_SCOPES, request_id=str(JobId.new()), face="jobs")


def json_of(reply: httpx.Response) -> dict[str, Any]:
    """The object that a good reply carries."""
    assert reply.status_code == httpx.codes.OK, reply.text
    found: dict[str, Any] = reply.json()
    return found


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other, the last for ever."""
    left = list(answers)

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return answer


def standard_ok(request: Received, secret: str) -> bool:
    """Whether one of a call's signatures is the secret's (Standard Webhooks 1.0.0, written down once more)."""
    key = base64.b64decode(secret.split("_", 1)[1]) if secret.startswith("whsec_") else secret.encode()
    message = b".".join(
        (request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body)
    )
    expected = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in request.headers["webhook-signature"].split(" ")


def plain(body: bytes, secret: str) -> str:
    """The plain signature, written down once more."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
