"""A chatbot's answer as server-sent events: session, delta, sources, done; or error, since the status is sent by then.

Source: WHATWG HTML, section 9.2 (server-sent events).
"""

import asyncio
from collections.abc import AsyncIterator

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from interlock.domains.chatbots.service import ReplyStream
from interlock.faces.rest.wire.chatbots import Said
from interlock.faces.web.errors import error_body
from interlock.faces.web.sse import HEARTBEAT
from interlock.kit.errors import InterlockError

_SILENCE_SECONDS = 15.0
"""Proxies cut connections on which nothing moves for a minute."""


class ReplyEvents(StreamingResponse):
    """A streamed answer; whatever ends the response also ends the call to the model and the turn."""

    def __init__(self, stream: ReplyStream) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events(stream), media_type="text/event-stream", headers=headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.aclose()


async def events(stream: ReplyStream, *, silence: float = _SILENCE_SECONDS) -> AsyncIterator[bytes]:
    """The events, with a comment in every long silence."""
    yield _event("session", {"session_id": stream.session_id})
    try:
        async for text in _with_pauses(stream.pieces(), silence):
            yield HEARTBEAT if text is None else _event("delta", {"text": text})
    except InterlockError as error:
        yield _event("error", error_body(error))
        return
    if stream.reply is not None:
        said = Said.model_validate(stream.reply).model_dump(mode="json")
        yield _event("sources", {"sources": said["sources"]})
        yield _event("done", {name: said[name] for name in ("session_id", "tokens", "cost")})


async def _with_pauses(pieces: AsyncIterator[str], silence: float) -> AsyncIterator[str | None]:
    """The pieces, and None whenever none came for so many seconds."""
    pending: asyncio.Task[str | None] | None = None
    try:
        while True:
            pending = pending or asyncio.create_task(_following(pieces), name="next piece of a chatbot's answer")
            done, _ = await asyncio.wait([pending], timeout=silence)
            if not done:
                yield None
                continue
            text, pending = pending.result(), None
            if text is None:
                return
            yield text
    finally:
        if pending is not None:
            pending.cancel()


async def _following(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)


def _event(kind: str, data: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
