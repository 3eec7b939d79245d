"""Stands in front of a provider: notes each request, and makes it fail where a fault was planned."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.sandbox.faults import Fault, FaultKind
from interlock.sandbox.server import cut_connection
from interlock.sandbox.state import CALL_KEY, SandboxState
from interlock.sandbox.wire import Provider, WireError

LABEL = ("x-sandbox", "interlock")
GARBAGE = WireError(b'{"ok": tru\x00<html>Bad Gateway', "application/json")


class Gate:
    """Middleware around one provider's application."""

    def __init__(self, app: ASGIApp, provider: Provider, state: SandboxState) -> None:
        self._app = app
        self._provider = provider
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the call, then pass it on or fail it."""
        body = await _whole_body(receive)
        path = str(scope["path"])[len(scope.get("root_path", "")) :]
        fault = self._state.faults.take(self._provider.name, path)
        target = f"{path}?{query}" if (query := scope["query_string"].decode()) else path
        scope[CALL_KEY] = self._state.received(
            self._provider.name, scope["method"], target, _header(scope, b"idempotency-key"), body, fault
        )

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        if fault is None:
            await self._app(scope, replay, _labelled(send))
            return
        if fault.after_effect:
            await self._app(scope, replay, _discard)
        await self._fail(fault, scope, receive, _labelled(send))

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case FaultKind.CUT:
                await cut_connection(scope, receive)
            case FaultKind.TIMEOUT:
                await _silence(receive, fault.delay_seconds)
                await cut_connection(scope, receive)
            case FaultKind.RATE_LIMITED:
                extra = {"retry-after": str(fault.retry_after)}
                await _response(self._provider.rate_limited, 429, extra)(scope, receive, send)
            case FaultKind.SERVER_ERROR:
                await _response(self._provider.server_error, 500)(scope, receive, send)
            case FaultKind.LYING_200:
                await _response(self._provider.lying, 200)(scope, receive, send)
            case FaultKind.GARBAGE:
                await _response(GARBAGE, 200)(scope, receive, send)


def _response(error: WireError, status: int, extra: dict[str, str] | None = None) -> Response:
    return Response(error.body, status, {"content-type": error.content_type, **error.headers, **(extra or {})})


def _labelled(send: Send) -> Send:
    async def labelled(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), tuple(part.encode() for part in LABEL)]
        await send(message)

    return labelled


async def _discard(message: MutableMapping[str, Any]) -> None:
    """Where the answer of a finished effect goes when the client must not see it."""


async def _whole_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(parts)


async def _silence(receive: Receive, seconds: float) -> None:
    """Say nothing until the time is over or the client has gone."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
