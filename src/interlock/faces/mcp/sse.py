"""The legacy transport: a stream that first says where to POST, then carries the replies."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from interlock.faces.mcp.connections import Connection, connections_of
from interlock.faces.mcp.http import EVENTS, STREAM_HEADERS, admitted
from interlock.faces.mcp.methods import answer
from interlock.faces.mcp.protocol import Code, Message, Reply, RpcError, failed, id_of, read_message
from interlock.faces.web.body import read_body
from interlock.faces.web.credentials import still_accepted
from interlock.faces.web.errors import error_response
from interlock.faces.web.sse import HEARTBEAT
from interlock.kit.errors import InterlockError, Kind, not_found
from interlock.kit.json_text import parse_json
from interlock.runtime.context import Ctx, Runtime

MESSAGES = "/api/mcp/sse/messages"
_HEARTBEAT_SECONDS = 15.0
_MOST_AT_WORK = 64


@dataclass(slots=True)
class _Stream:
    """An open stream, and the work whose replies it carries."""

    connection: Connection
    outbox: asyncio.Queue[Reply] = field(default_factory=asyncio.Queue)
    work: set[asyncio.Task[None]] = field(default_factory=set)


class _Streams(dict[str, _Stream]):
    """The open legacy streams of this process."""


def _streams_of(runtime: Runtime) -> _Streams:
    return runtime.local(_Streams)


async def open_stream(request: Request) -> Response:
    """Open the stream."""
    try:
        ctx = await admitted(request)
    except InterlockError as error:
        return error_response(error)
    if request.method == "HEAD":
        return Response(media_type=EVENTS)
    return StreamingResponse(_carried(request, ctx), 200, STREAM_HEADERS, EVENTS)


async def take_message(request: Request) -> Response:
    """Take one message for an open stream; the reply travels there."""
    try:
        ctx = await admitted(request)
        key = request.query_params.get("session_id", "")
        stream = _streams_of(ctx.runtime).get(key)
        if stream is None or stream.connection.client_id != ctx.actor.id:
            raise not_found("open MCP stream", key[:100])
        raw = await read_body(request, ctx.settings.max_body_bytes)
        value = parse_json(raw, max_depth=ctx.settings.max_json_depth)
        if len(stream.work) >= _MOST_AT_WORK:
            raise InterlockError(Kind.RATE_LIMITED, f"{_MOST_AT_WORK} calls of this stream are at work already.")
    except InterlockError as error:
        return error_response(error)
    try:
        message = read_message(value)
    except RpcError as error:
        if error.code is Code.INVALID_PARAMS:
            stream.outbox.put_nowait(failed(id_of(value), error))
            return Response(status_code=202)
        return error_response(InterlockError(Kind.MALFORMED, error.message, code="invalid_request"))
    task = connections_of(ctx.runtime).keep(_work(ctx, stream, message))
    stream.work.add(task)
    task.add_done_callback(stream.work.discard)
    return Response(status_code=202)


async def _work(ctx: Ctx, stream: _Stream, message: Message) -> None:
    """Answer onto the stream; a call that was begun ends even when the stream is gone."""
    reply = await answer(ctx, stream.connection, message)
    if reply is not None:
        stream.outbox.put_nowait(reply)


async def _carried(request: Request, ctx: Ctx) -> AsyncIterator[bytes]:
    known = connections_of(ctx.runtime)
    key, connection = known.begin(ctx.actor.id)
    streams = _streams_of(ctx.runtime)
    stream = streams[key] = _Stream(connection)
    try:
        with known.stream(ctx.actor.id) as closing:
            yield b"event: endpoint\ndata: %s?session_id=%s\n\n" % (MESSAGES.encode(), key.encode())
            async for reply in _replies(stream, closing):
                if reply is None:
                    if not await still_accepted(request, ctx):
                        return
                    yield HEARTBEAT
                else:
                    yield b"event: message\ndata: " + orjson.dumps(reply) + b"\n\n"
    finally:
        del streams[key]


async def _replies(stream: _Stream, closing: asyncio.Event) -> AsyncIterator[Reply | None]:
    """Replies as they are ready, None in long silence; ends when the stream must close."""
    ended = asyncio.create_task(closing.wait())
    upcoming = asyncio.create_task(stream.outbox.get())
    try:
        while not closing.is_set():
            await asyncio.wait({ended, upcoming}, timeout=_HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if closing.is_set():
                return
            if upcoming.done():
                yield upcoming.result()
                upcoming = asyncio.create_task(stream.outbox.get())
            else:
                yield None
    finally:
        ended.cancel()
        upcoming.cancel()
