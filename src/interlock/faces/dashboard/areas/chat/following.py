"""An answer on its way to the page: server-sent events that each carry a whole turn, so that none can show twice.

A connection that was lost is taken up by the browser with `Last-Event-ID`; what it has is not sent again.
Source: WHATWG HTML, section 9.2 (server-sent events).
"""

import time
from collections.abc import AsyncIterator

import orjson
from starlette.responses import Response, StreamingResponse

from interlock.domains.chats import service as chats
from interlock.faces.dashboard.markdown import rendered
from interlock.faces.dashboard.visits import Visit, still_signed_in
from interlock.faces.web.sse import HEARTBEAT, RETRY, last_event_id
from interlock.runtime.events import StreamEvent

_CHECK_SECONDS = 15.0


class _Heard:
    """What was said until now, by turns."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self._attempts: dict[int, str] = {}

    def take(self, event: StreamEvent) -> None:
        """Add a piece, or take back what was withheld."""
        turn = event.data.get("turn", 0)
        if event.type == chats.TEXT:
            is_same = self._attempts.get(turn) == event.data["attempt"]
            self.texts[turn] = (self.texts[turn] if is_same else "") + event.data["text"]
            self._attempts[turn] = event.data["attempt"]
        elif event.type == chats.WITHHELD:
            self.texts.pop(turn, None)


async def stream(visit: Visit) -> Response:
    """Follow an answer until it has ended."""
    name = await visit.call(chats.events, visit.command(chats.TurnRef, {}, "run_id"))
    after = last_event_id(visit.request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(visit, name, after), media_type="text/event-stream", headers=headers)


async def _told(visit: Visit, name: str, after: int) -> AsyncIterator[bytes]:
    yield RETRY
    streams = visit.ctx.runtime.streams
    heard, seen, missed, ended = _Heard(), 0, dict[int, int](), None
    async with visit.ctx.begin(write=False) as reading:
        while batch := await streams.read(reading, name, seen):
            for event in batch:
                heard.take(event)
                seen = event.seq
                if event.seq > after:
                    missed[event.data.get("turn", 0)] = event.seq
                ended = event if event.type == chats.ENDED else ended
    if ended is not None:
        yield _bytes(ended.seq, chats.ENDED, ended.data)
        return
    for turn, seq in sorted(missed.items(), key=lambda each: each[1]):
        yield _turn(seq, turn, heard)
    checked = time.monotonic()
    async for news in streams.follow(visit.ctx, name, seen, heartbeat=_CHECK_SECONDS):
        if time.monotonic() - checked >= _CHECK_SECONDS:
            if not await still_signed_in(visit):
                return
            checked = time.monotonic()
        if news is None:
            yield HEARTBEAT
            continue
        heard.take(news)
        if news.type == chats.ENDED:
            yield _bytes(news.seq, chats.ENDED, news.data)
            return
        yield _turn(news.seq, news.data["turn"], heard)


def _turn(seq: int, turn: int, heard: _Heard) -> bytes:
    """A turn as it stands; without text where it was taken back."""
    return _bytes(seq, "turn", {"turn": turn, "html": str(rendered(heard.texts.get(turn, "")))})


def _bytes(seq: int, kind: str, data: object) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), orjson.dumps(data))
