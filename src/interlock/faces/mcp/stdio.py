"""MCP on stdin and stdout, one JSON message a line, for clients that start their servers themselves."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import orjson

from interlock.domains.accounts.service.identify import identify
from interlock.faces.mcp.connections import Connection
from interlock.faces.mcp.methods import answer
from interlock.faces.mcp.protocol import Code, Reply, RpcError, failed, id_of, read_message, rpc_error
from interlock.kit.errors import InterlockError, Kind, unauthenticated
from interlock.kit.json_text import parse_json
from interlock.runtime.context import ActorKind, Ctx, Runtime

FACE = "mcp"
_LONGEST_PAUSE = 10.0


async def serve(runtime: Runtime, token: str) -> None:
    """Serve the holder of an MCP client's bearer until stdin closes, or until the bearer dies.

    Raises:
        InterlockError: unauthenticated when the token is not the bearer of a connected MCP client.
    """

    def write(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    await serve_lines(runtime, token, _stdin(runtime.settings.max_body_bytes), write)


async def serve_lines(
    runtime: Runtime, token: str, lines: AsyncIterator[bytes], write: Callable[[bytes], None]
) -> None:
    """The same over any pair of streams; messages are worked on side by side, replies are written whole."""
    ctx = await _identified(runtime, token)
    connection = Connection(ctx.actor.id, lasting=True)
    work: set[asyncio.Task[None]] = set()
    closed = asyncio.Event()

    async def handle(line: bytes) -> None:
        reply = await _answer(runtime, token, connection, line)
        if reply is not None:
            write(orjson.dumps(reply) + b"\n")
            if reply.get("error", {}).get("code") == Code.UNAUTHORIZED:
                closed.set()

    async for line in lines:
        if closed.is_set():
            break
        if line.strip():
            task = asyncio.create_task(handle(line))
            work.add(task)
            task.add_done_callback(work.discard)
    if work:
        await asyncio.wait(work, timeout=_LONGEST_PAUSE)


async def _answer(runtime: Runtime, token: str, connection: Connection, line: bytes) -> Reply | None:
    try:
        value = parse_json(line, max_depth=runtime.settings.max_json_depth)
    except InterlockError as error:
        code = Code.PARSE_ERROR if error.kind is Kind.MALFORMED else Code.INVALID_REQUEST
        return failed(None, RpcError(code, error.message))
    try:
        message = read_message(value)
        ctx = await _identified(runtime, token)
    except RpcError as error:
        return failed(id_of(value), error)
    except InterlockError as error:
        return failed(id_of(value), rpc_error(error))
    return await answer(ctx, connection, message)


async def _identified(runtime: Runtime, token: str) -> Ctx:
    """The client, proven anew for each message, so that rotation and revocation hold at once."""
    ctx = await identify(runtime, token, request_id=uuid4().hex, face=FACE)
    if ctx.actor.kind is not ActorKind.CLIENT:
        raise unauthenticated(
            "MCP takes the bearer of a registered MCP client.", hint="Register one with POST /api/mcp/clients."
        )
    return ctx


async def _stdin(longest: int) -> AsyncIterator[bytes]:
    """Lines of stdin: a pipe or terminal without blocking the loop; a file, which never blocks, as it is."""
    reader = asyncio.StreamReader(limit=longest)
    try:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except ValueError:
        for line in sys.stdin.buffer:
            yield line
        return
    try:
        while line := await reader.readline():
            yield line
    except ValueError as error:
        raise InterlockError(Kind.TOO_LARGE, f"A message is longer than {longest} bytes.") from error
