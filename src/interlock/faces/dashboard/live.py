"""`/live`: tells an open page which of its parts to read again, as server-sent events.

Nothing but names of topics is sent (tables, and streams such as one run's). The page asks for the parts it shows, so
that a lost connection loses nothing: once it is back, everything is read again.
Source: WHATWG HTML, section 9.2 (server-sent events).
"""

import time
from collections.abc import AsyncIterator

import orjson
from starlette.responses import Response, StreamingResponse

from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit, still_signed_in
from interlock.faces.web.sse import HEARTBEAT, RETRY
from interlock.kit.errors import invalid

_CHECK_SECONDS = 15.0
_MOST_TOPICS = 100


async def live(visit: Visit) -> Response:
    """Follow topics until the page is left or the person signs out."""
    topics = frozenset(filter(None, visit.query.get("topics", "").split(",")))
    if len(topics) > _MOST_TOPICS:
        raise invalid(f"A page can follow {_MOST_TOPICS} topics.", field="topics")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _told(visit, topics, visit.query.get("since", "")), media_type="text/event-stream", headers=headers
    )


async def _told(visit: Visit, topics: frozenset[str], since: str) -> AsyncIterator[bytes]:
    with visit.ctx.runtime.changes.watched(visit.ctx.workspace_id, topics, since) as watcher:
        yield RETRY + b"event: ready\ndata: {}\n\n"
        checked = time.monotonic()
        async for changed in watcher.changes(_CHECK_SECONDS):
            if time.monotonic() - checked >= _CHECK_SECONDS:
                if not await still_signed_in(visit):
                    return
                checked = time.monotonic()
            yield b"event: changed\ndata: %s\n\n" % orjson.dumps(sorted(changed)) if changed else HEARTBEAT


ROUTES = (page("/live", live),)
