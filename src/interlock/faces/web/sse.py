"""Server-sent events: a stream of stored events with ids, so that a client that reconnects misses nothing.

Source: WHATWG HTML, section 9.2 (server-sent events).
"""

import time
from collections.abc import AsyncIterator, Callable

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse

from interlock.faces.web.credentials import still_accepted
from interlock.kit.errors import invalid
from interlock.runtime.context import Ctx
from interlock.runtime.events import StreamEvent

HEARTBEAT = b": keep-alive\n\n"
_CHECK_SECONDS = 15.0
RETRY = b"retry: 1000\n\n"
_LAST_NUMBER = 2**31 - 1  # beyond it, PostgreSQL refuses the question


def last_event_id(request: Request) -> int:
    """Where the client stopped: the `Last-Event-ID` header or the `after` query parameter; 0 is the beginning."""
    text = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise invalid("'Last-Event-ID' must be the number of an event.", field="Last-Event-ID")
    return min(int(text), _LAST_NUMBER)


def event_bytes(event: StreamEvent) -> bytes:
    """One event in wire form."""
    data = orjson.dumps({"seq": event.seq, "type": event.type, "at": event.at, "data": event.data})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.type.encode(), data)


def stream_response(
    request: Request, ctx: Ctx, stream: str, after: int, is_last: Callable[[StreamEvent], bool]
) -> StreamingResponse:
    """Follow a stream from a place on; closes after the event that is its last, or once its reader is shut out."""

    async def body() -> AsyncIterator[bytes]:
        yield RETRY
        checked = time.monotonic()
        async for event in ctx.runtime.streams.follow(ctx, stream, after, heartbeat=_CHECK_SECONDS):
            if time.monotonic() - checked >= _CHECK_SECONDS:
                if not await still_accepted(request, ctx):
                    return
                checked = time.monotonic()
            if event is None:
                yield HEARTBEAT
                continue
            yield event_bytes(event)
            if is_last(event):
                return

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(body(), media_type="text/event-stream", headers=headers)
