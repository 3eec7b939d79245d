"""MCP over HTTP: one POST per message, with or without a session; a GET that keeps listening; a DELETE that ends.

Plain routes in front of the same operation, because this is the hot path: bare POSTs without handshake, session or
event-stream Accept get plain JSON.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from interlock.faces.mcp.announcements import LEVEL, end_of, message_of, stream_of, until_closed
from interlock.faces.mcp.connections import Connection, connections_of
from interlock.faces.mcp.methods import answer
from interlock.faces.mcp.protocol import (
    ASSUMED,
    BATCHED,
    LONGEST_BATCH,
    STATELESS,
    STATELESS_STATUS,
    STATUS,
    Code,
    Message,
    Reply,
    RpcError,
    check_envelope,
    check_version,
    failed,
    id_of,
    notification,
    read_message,
)
from interlock.faces.web.body import read_body
from interlock.faces.web.credentials import CLIENTS, caller, credential_in, still_accepted
from interlock.faces.web.errors import error_response
from interlock.faces.web.sse import HEARTBEAT, RETRY, last_event_id
from interlock.kit.errors import InterlockError, Kind, forbidden, not_found
from interlock.kit.json_text import parse_json
from interlock.runtime.context import Ctx, Runtime
from interlock.runtime.rate_limit import limiter_for
from interlock.runtime.secrets import hashed

FACE = "mcp"
SESSION = "Mcp-Session-Id"
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
EVENTS = "text/event-stream"
_PROGRESS_SECONDS = 5.0
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


async def post(request: Request) -> Response:
    """Answer one message, or a batch of them where the revision has batches."""
    try:
        ctx = await admitted(request)
    except InterlockError as error:
        return error_response(error)
    value, version = None, ASSUMED
    headers: dict[str, str] = {}
    try:
        version = check_version(request.headers.get("mcp-protocol-version"))
        value = await _body(request, ctx)
        if isinstance(value, list):
            return await _batch(request, ctx, value, version)
        message = read_message(value)
        if version == STATELESS:
            connection = _stateless(request, ctx, message)
        else:
            connection, headers = _connection(request, ctx, message)
    except RpcError as error:
        return _json(failed(id_of(value), error), version=version)
    except InterlockError as error:
        return error_response(error)
    if message.id is not None and _streams(request, message):
        body = _streamed(ctx, connection, message)
        return StreamingResponse(body, 200, {**STREAM_HEADERS, **headers}, EVENTS)
    reply = await answer(ctx, connection, message)
    if reply is None:
        return Response(status_code=202, headers=headers)
    return _json(reply, version=version, headers=headers)


async def get(request: Request) -> Response:
    """Keep a stream open and announce on it which held calls were settled."""
    try:
        ctx = await admitted(request)
        stream = stream_of(str(ctx.actor.id))
        given = request.headers.get("last-event-id")
        after = last_event_id(request) if given else await end_of(ctx, stream)
    except InterlockError as error:
        return error_response(error)
    if EVENTS not in request.headers.get("accept", EVENTS) and "*/*" not in request.headers.get("accept", ""):
        message = "This stream is sent as text/event-stream."
        return error_response(InterlockError(Kind.INVALID, message, hint="Accept text/event-stream."))
    if request.method == "HEAD":
        return Response(media_type=EVENTS)
    session = request.headers.get(SESSION)
    known = None if session is None else connections_of(ctx.runtime).find(session, ctx.actor.id)
    body = _announced(request, ctx, known or Connection(ctx.actor.id), stream, after)
    return StreamingResponse(body, 200, STREAM_HEADERS, EVENTS)


async def delete(request: Request) -> Response:
    """End a session."""
    try:
        ctx = await admitted(request)
        key = request.headers.get(SESSION, "")
        connection = connections_of(ctx.runtime).find(key, ctx.actor.id)
        if connection is None or connection.ended:
            raise not_found("MCP session", key[:100])
    except InterlockError as error:
        return error_response(error)
    connection.ended = True
    return Response(status_code=204)


async def admitted(request: Request) -> Ctx:
    """The client that calls, once its bearer is proven and no foreign web page stands behind it."""
    check_origin(request)
    return await caller(request, FACE, CLIENTS)


def check_origin(request: Request) -> None:
    """Refuse a browser page of another site; programs send no Origin."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    settings = request.app.state.runtime.settings
    ours = urlsplit(settings.base_url)
    asked = urlsplit(origin)
    if origin in settings.allowed_origins or (asked.scheme, asked.netloc) == (ours.scheme, ours.netloc):
        return
    if settings.host in _LOCAL and asked.hostname in _LOCAL:
        return
    raise forbidden(
        f"Pages of '{origin[:100]}' may not use this server.", hint="Add the origin to INTERLOCK_ALLOWED_ORIGINS."
    )


async def _body(request: Request, ctx: Ctx) -> Any:
    settings = ctx.settings
    try:
        return parse_json(await read_body(request, settings.max_body_bytes), max_depth=settings.max_json_depth)
    except InterlockError as error:
        code = Code.PARSE_ERROR if error.kind is Kind.MALFORMED else Code.INVALID_REQUEST
        raise RpcError(code, error.message) from error


def _stateless(request: Request, ctx: Ctx, message: Message) -> Connection:
    """A connection for one request, which says everything itself."""
    if message.id is not None:
        check_envelope(request.headers, message)
    return Connection(ctx.actor.id, version=STATELESS)


def _connection(request: Request, ctx: Ctx, message: Message | None) -> tuple[Connection, dict[str, str]]:
    """The session a message belongs to: a fresh one for `initialize`, none for a bare POST.

    A session this process does not know is served all the same: another server may have opened it.
    """
    known = connections_of(ctx.runtime)
    if message is not None and message.method == "initialize" and message.id is not None:
        key, connection = known.begin(ctx.actor.id)
        return connection, {SESSION: key}
    key = request.headers.get(SESSION, "")
    found = known.find(key, ctx.actor.id) if key else None
    if found is not None and found.ended:
        raise not_found("MCP session", key, hint="It has ended; initialize again.")
    return found or Connection(ctx.actor.id), {}


async def _batch(request: Request, ctx: Ctx, values: list[Any], version: str) -> Response:
    if version not in BATCHED:
        raise RpcError(Code.INVALID_REQUEST, f"Protocol version {version} has no batches.")
    if not 0 < len(values) <= LONGEST_BATCH:
        raise RpcError(Code.INVALID_REQUEST, f"A batch holds 1 to {LONGEST_BATCH} messages.")
    connection, headers = _connection(request, ctx, None)
    replies = []
    for position, value in enumerate(values):
        reply = await _one_of_batch(request, ctx, connection, value, counted=position == 0)
        if reply is not None:
            replies.append(reply)
    return _json(replies, headers=headers) if replies else Response(status_code=202, headers=headers)


async def _one_of_batch(
    request: Request, ctx: Ctx, connection: Connection, value: Any, *, counted: bool
) -> Reply | None:
    """Each message of a batch counts as a request of its own; the first was counted with the HTTP request."""
    try:
        message = read_message(value)
        if message.method == "initialize":
            raise RpcError(Code.INVALID_REQUEST, "'initialize' cannot be part of a batch.")
        if not counted:
            await _count(request, ctx.runtime)
    except RpcError as error:
        return failed(id_of(value), error)
    return await answer(ctx, connection, message)


async def _count(request: Request, runtime: Runtime) -> None:
    subject = f"api:{hashed(credential_in(request) or '')[:32]}"
    state = await limiter_for(runtime).hit(subject, runtime.settings.rate_limit_per_minute)
    if state.exceeded:
        raise RpcError(Code.RATE_LIMITED, "Too many requests in a minute.", {"retry_after": state.retry_after})


def _streams(request: Request, message: Message) -> bool:
    """Whether the reply is an event stream: nothing else is accepted, or progress was asked for and can be sent."""
    accept = request.headers.get("accept", "")
    if EVENTS not in accept:
        return False
    only = "application/json" not in accept and "*/*" not in accept
    return only or (message.method == "tools/call" and _progress_token(message) is not None)


def _progress_token(message: Message) -> Any:
    meta = message.params.get("_meta")
    return meta.get("progressToken") if isinstance(meta, dict) else None


async def _streamed(ctx: Ctx, connection: Connection, message: Message) -> AsyncIterator[bytes]:
    """The reply as an event, after progress for as long as it takes; the call ends even if the client goes away."""
    work = connections_of(ctx.runtime).keep(answer(ctx, connection, message))
    token, elapsed = _progress_token(message), 0
    if token is not None:
        yield _event(_progress(token, elapsed, "Judging the call."))
    while not work.done():
        await asyncio.wait({work}, timeout=_PROGRESS_SECONDS)
        if work.done():
            break
        elapsed += int(_PROGRESS_SECONDS)
        yield HEARTBEAT if token is None else _event(_progress(token, elapsed, f"At work for {elapsed} seconds."))
    reply = await work
    if reply is not None:
        yield _event(reply)


def _progress(token: Any, elapsed: int, message: str) -> Reply:
    params = {"progressToken": token, "progress": elapsed, "message": message}
    return notification("notifications/progress", params)


async def _announced(
    request: Request, ctx: Ctx, connection: Connection, stream: str, after: int
) -> AsyncIterator[bytes]:
    """Announcements as they come; each heartbeat proves the bearer anew, in case another server saw it die."""
    yield RETRY
    with connections_of(ctx.runtime).stream(ctx.actor.id) as closing:
        async for event in until_closed(ctx.runtime.streams.follow(ctx, stream, after), closing):
            if event is None:
                if not await still_accepted(request, ctx):
                    return
                yield HEARTBEAT
            elif connection.hears(LEVEL):
                yield b"id: %d\n" % event.seq + _event(message_of(event))


def _event(message: Reply) -> bytes:
    return b"event: message\ndata: " + orjson.dumps(message) + b"\n\n"


def _json(body: Any, *, version: str = ASSUMED, headers: dict[str, str] | None = None) -> Response:
    status = 200
    if isinstance(body, dict) and "error" in body:
        statuses = STATELESS_STATUS if version == STATELESS else STATUS
        status = statuses.get(body["error"]["code"], 200)
    return Response(orjson.dumps(body), status, headers, "application/json")
