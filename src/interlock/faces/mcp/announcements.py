"""News for a client that keeps a stream open: a call of its that waited for a person is settled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from interlock.domains.tools import service as tools
from interlock.domains.tools.events import ToolCallSettled
from interlock.faces.mcp.protocol import notification
from interlock.runtime.context import ActorKind, Ctx
from interlock.runtime.events import StreamEvent

LEVEL = "info"
_SETTLED = "escalation.settled"


def stream_of(client: str) -> str:
    """The event stream in which a client's announcements are kept."""
    return f"mcp:{client}"


async def announce_settled(ctx: Ctx, event: ToolCallSettled) -> None:
    """Keep the news for the client that made the call, if a client made it."""
    async with ctx.begin() as unit:
        call = await tools.get_call(unit, tools.CallRef(call_id=event.call_id))
        if call.caller_kind is not ActorKind.CLIENT or call.caller_id is None:
            return
        data: dict[str, Any] = {
            "escalation_id": call.escalation_id,
            "tool": call.tool,
            "status": event.status.value,
            "hint": "Repeat the identical call to get its outcome.",
        }
        await ctx.runtime.streams.append(unit, stream_of(call.caller_id), _SETTLED, data)


def message_of(event: StreamEvent) -> dict[str, Any]:
    """The news as an MCP log message."""
    return notification("notifications/message", {"level": LEVEL, "logger": "interlock.approvals", "data": event.data})


async def end_of(ctx: Ctx, stream: str) -> int:
    """The number of the newest event: where somebody begins who has not listened before."""
    after = 0
    async with ctx.begin(write=False) as reading:
        while batch := await ctx.runtime.streams.read(reading, stream, after):
            after = batch[-1].seq
    return after


async def until_closed(
    source: AsyncIterator[StreamEvent | None], closing: asyncio.Event
) -> AsyncIterator[StreamEvent | None]:
    """The events of a stream until it must close, even while it is silent."""
    ended = asyncio.create_task(closing.wait())
    upcoming: asyncio.Future[StreamEvent | None] | None = None
    try:
        while not closing.is_set():
            upcoming = asyncio.ensure_future(anext(source))
            await asyncio.wait({ended, upcoming}, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                return
            yield upcoming.result()
    finally:
        ended.cancel()
        if upcoming is not None and not upcoming.done():
            upcoming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming
