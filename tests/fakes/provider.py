"""The server shared by the fake models: reads a request, asks the wire for bytes, sends them or fails as scripted."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from starlette.types import Receive, Scope, Send

from interlock.sandbox.server import cut_connection
from tests.fakes.script import Fault, FaultKind, Received, Reply, Script

JSON = b"application/json"
SSE = b"text/event-stream; charset=utf-8"
NOT_JSON = b'{"choices": [{"mess'
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: Headers = field(default_factory=list)


@dataclass(frozen=True)
class Ask:
    """A request that wants a reply of the model."""

    model: str
    stream: bool
    options: dict[str, Any]
    """What else of the request decides the shape of the answer."""


class Wire(Protocol):
    """One provider's wire format."""

    def read(self, request: Received) -> Ask | Answer:
        """What is asked for, or the answer to a request that needs no model or is wrong."""

    def generates(self, path: str) -> bool:
        """Whether a path asks the model for a reply."""

    def default(self, ask: Ask) -> bytes | Sequence[bytes]:
        """The default reply, prebuilt: a body, or the events of a stream."""

    def whole(self, reply: Reply, ask: Ask) -> bytes:
        """A reply as one JSON body."""

    def events(self, reply: Reply, ask: Ask) -> Sequence[bytes]:
        """A reply as server-sent events."""

    def failure(self, kind: FaultKind) -> Answer:
        """UNAUTHORIZED, RATE_LIMITED, SERVER_ERROR or OVERLOADED in the provider's words."""


class FakeProvider:
    """An ASGI application that plays a script over one provider's wire."""

    def __init__(self, wire: Wire, script: Script) -> None:
        self._wire = wire
        self._script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Received(scope["method"], _target(scope), scope["headers"], await _body(receive))
        self._script.note(request)
        planned = self._script.take(generates=self._wire.generates(scope["path"]))
        if isinstance(planned, Fault):
            await self._fail(planned, request, scope, receive, send)
            return
        asked = self._wire.read(request)
        if isinstance(asked, Answer):
            await _send_whole(send, asked)
        elif planned is None:
            ready = self._wire.default(asked)
            await (_send_whole(send, Answer(ready)) if isinstance(ready, bytes) else _send_events(send, ready))
        elif asked.stream:
            await _send_events(send, self._wire.events(planned, asked))
        else:
            await _send_whole(send, Answer(self._wire.whole(planned, asked)))

    async def _fail(self, fault: Fault, request: Received, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case FaultKind.CUT:
                await cut_connection(scope, receive)
            case FaultKind.TIMEOUT:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(fault.delay_seconds):
                        while (await receive())["type"] != "http.disconnect":
                            continue
                await cut_connection(scope, receive)
            case FaultKind.CUT_STREAM | FaultKind.INVALID_JSON:
                await self._break_off(fault, request, scope, receive, send)
            case _:
                answer = self._wire.failure(fault.kind)
                extra: Headers = []
                if fault.kind is FaultKind.RATE_LIMITED:
                    extra.append((b"retry-after", str(fault.retry_after).encode()))
                await _send_whole(send, Answer(answer.body, answer.status, headers=[*answer.headers, *extra]))

    async def _break_off(self, fault: Fault, request: Received, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._wire.read(request)
        if isinstance(asked, Answer):
            if fault.kind is FaultKind.INVALID_JSON:
                await _send_whole(send, Answer(NOT_JSON))
                return
            await _send_half(send, asked.body)
        elif not asked.stream:
            if fault.kind is FaultKind.INVALID_JSON:
                await _send_whole(send, Answer(NOT_JSON))
                return
            await _send_half(send, self._wire.whole(fault.reply, asked))
        else:
            events = list(self._wire.events(fault.reply, asked)[: fault.events_before])
            if fault.kind is FaultKind.INVALID_JSON:
                await _send_events(send, [*events, b"data: " + NOT_JSON + b"\n\n"])
                return
            await _start(send, 200, SSE, [])
            for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await cut_connection(scope, receive, after_writing=True)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _target(scope: Scope) -> str:
    path: str = scope["path"]
    query: bytes = scope["query_string"]
    return f"{path}?{query.decode()}" if query else path


async def _start(send: Send, status: int, content_type: bytes, headers: Headers) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type), *headers]}
    )


async def _send_whole(send: Send, answer: Answer) -> None:
    length = (b"content-length", str(len(answer.body)).encode())
    await _start(send, answer.status, answer.content_type, [length, *answer.headers])
    await send({"type": "http.response.body", "body": answer.body})


async def _send_half(send: Send, body: bytes) -> None:
    await _start(send, 200, JSON, [(b"content-length", str(len(body)).encode())])
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


async def _send_events(send: Send, events: Sequence[bytes]) -> None:
    await _start(send, 200, SSE, [(b"cache-control", b"no-cache")])
    for event in events:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def encoded(value: Any) -> bytes:
    """JSON bytes."""
    return orjson.dumps(value)


def json_answer(value: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(orjson.dumps(value), status)


def parsed_object(body: bytes) -> dict[str, Any] | None:
    """The body as a JSON object, or None."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def pieces(text: str, size: int = 8) -> list[str]:
    """Text in the short pieces a stream delivers."""
    return [text[start : start + size] for start in range(0, len(text), size)]
