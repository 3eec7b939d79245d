"""What each MCP method does, for every transport: one message and its caller in, one reply out."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from pydantic import ValidationError

from interlock import __version__
from interlock.domains.tools import service as tools
from interlock.domains.tools.states import ToolStatus
from interlock.domains.tools.views import Tool, ToolOutcome
from interlock.faces.mcp.connections import LEVELS, Connection
from interlock.faces.mcp.protocol import (
    META_SERVER,
    STATELESS,
    VERSIONS,
    Code,
    Id,
    Message,
    Reply,
    RpcError,
    failed,
    negotiated,
    result,
    rpc_error,
)
from interlock.faces.web.errors import from_validation
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Nothing
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke

PAGE = 50
IDEMPOTENCY_KEY = "interlock/idempotencyKey"
"""Where a client may put a key of its own into `_meta`: repeats of the call then get the stored outcome."""

INSTRUCTIONS = (
    "Every call is judged by policy. A result with status action_required waits for a person: repeat the "
    "identical call later to get its outcome. A result with status denied says why; do not repeat it unchanged."
)
_CAPABILITIES = {"tools": {"listChanged": False}, "logging": {}}
_UNCACHED = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
"""A scope or a policy may change what is true at any time, so nothing may be kept."""
_SERVER = {"name": "interlock", "title": "Interlock", "version": __version__}

Method = Callable[[Ctx, Connection, dict[str, Any]], Awaitable[Mapping[str, Any]]]


async def answer(ctx: Ctx, connection: Connection, message: Message) -> Reply | None:
    """The reply to a message; None for notifications and for requests that were cancelled meanwhile."""
    if message.id is None:
        await _notified(connection, message)
        return None
    with connection.working_on(message.id) as work:
        reply = await _reply(ctx, connection, message.id, message)
        return None if work.cancelled else reply


async def _reply(ctx: Ctx, connection: Connection, id: Id, message: Message) -> Reply:
    known = STATELESS_METHODS if connection.version == STATELESS else METHODS
    method = known.get(message.method)
    try:
        if method is None:
            raise RpcError(Code.METHOD_NOT_FOUND, f"There is no method '{message.method[:100]}'.")
        return result(id, await method(ctx, connection, message.params))
    except RpcError as error:
        return failed(id, error)
    except InterlockError as error:
        return failed(id, rpc_error(error))
    except ValidationError as error:
        return failed(id, rpc_error(from_validation(error)))


async def _notified(connection: Connection, message: Message) -> None:
    """`notifications/cancelled` drops a reply; what the tool did stays done and on record. Others need nothing."""
    if message.method == "notifications/cancelled":
        connection.cancel(message.params.get("requestId"))


async def _initialize(_ctx: Ctx, connection: Connection, params: dict[str, Any]) -> Mapping[str, Any]:
    connection.version = negotiated(params.get("protocolVersion"))
    return {
        "protocolVersion": connection.version,
        "capabilities": _CAPABILITIES,
        "serverInfo": _SERVER,
        "instructions": INSTRUCTIONS,
    }


async def _discover(_ctx: Ctx, _connection: Connection, _params: dict[str, Any]) -> Mapping[str, Any]:
    return {
        "supportedVersions": [*VERSIONS, STATELESS],
        "capabilities": {"tools": {"listChanged": False}},
        "instructions": INSTRUCTIONS,
        "_meta": {META_SERVER: _SERVER},
        **_UNCACHED,
    }


async def _list_fresh(ctx: Ctx, connection: Connection, params: dict[str, Any]) -> Mapping[str, Any]:
    return {**await _list_tools(ctx, connection, params), **_UNCACHED}


async def _call_complete(ctx: Ctx, connection: Connection, params: dict[str, Any]) -> Mapping[str, Any]:
    return {**await _call_tool(ctx, connection, params), "resultType": "complete"}


async def _ping(_ctx: Ctx, _connection: Connection, _params: dict[str, Any]) -> Mapping[str, Any]:
    return {}


async def _set_level(_ctx: Ctx, connection: Connection, params: dict[str, Any]) -> Mapping[str, Any]:
    if params.get("level") not in LEVELS:
        raise RpcError(Code.INVALID_PARAMS, f"'level' must be one of {', '.join(LEVELS)}.")
    if not connection.lasting:
        raise RpcError(Code.INVALID_PARAMS, "A level needs a session to belong to: send Mcp-Session-Id.")
    connection.level = str(params["level"])
    return {}


async def _list_tools(ctx: Ctx, _connection: Connection, params: dict[str, Any]) -> Mapping[str, Any]:
    start = _offset(params.get("cursor"))
    offered = (await invoke(ctx, tools.catalog, Nothing())).tools
    page: dict[str, Any] = {"tools": [_described(tool) for tool in offered[start : start + PAGE]]}
    if start + PAGE < len(offered):
        page["nextCursor"] = base64.urlsafe_b64encode(b"%d" % (start + PAGE)).decode()
    return page


def _offset(cursor: Any) -> int:
    if cursor is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(str(cursor)))
    except (binascii.Error, ValueError):
        raise RpcError(Code.INVALID_PARAMS, "'cursor' is not one that this server gave.") from None


def _described(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "annotations": {
            "title": tool.title,
            "readOnlyHint": tool.read_only,
            "destructiveHint": tool.destructive,
            "idempotentHint": tool.repeatable,
            "openWorldHint": tool.connector is not None,
        },
    }


async def _call_tool(ctx: Ctx, _connection: Connection, params: dict[str, Any]) -> Mapping[str, Any]:
    meta = params.get("_meta")
    given = {"tool": params.get("name")}
    if params.get("arguments") is not None:
        given["arguments"] = params["arguments"]
    if isinstance(meta, dict) and IDEMPOTENCY_KEY in meta:
        given["idempotency_key"] = meta[IDEMPOTENCY_KEY]
    if not isinstance(given["tool"], str):
        raise RpcError(Code.INVALID_PARAMS, "'name' must be the name of a tool.")
    return told(await invoke(ctx, tools.call, tools.CallTool.model_validate(given)))


def told(outcome: ToolOutcome) -> dict[str, Any]:
    """A call's outcome as MCP content: a JSON document in text, and the same as structured content."""
    if outcome.status is ToolStatus.DONE:
        return _content(outcome.result, is_error=False)
    payload = {"ok": False, "status": outcome.status.value, "reason": outcome.reason}
    if outcome.status is ToolStatus.ACTION_REQUIRED:
        return _content({**payload, "escalation_id": outcome.escalation_id, "tool": outcome.tool}, is_error=False)
    if outcome.status is ToolStatus.DENIED:
        policy_id = None if outcome.policy_id is None else str(outcome.policy_id)
        return _content({**payload, "policy_id": policy_id, "tool": outcome.tool}, is_error=True)
    return _content({**payload, "tool": outcome.tool}, is_error=True)


def _content(payload: Any, *, is_error: bool) -> dict[str, Any]:
    text = orjson.dumps(payload).decode()
    return {"content": [{"type": "text", "text": text}], "structuredContent": payload, "isError": is_error}


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "initialize": _initialize,
        "ping": _ping,
        "logging/setLevel": _set_level,
        "tools/list": _list_tools,
        "tools/call": _call_tool,
    }
)

STATELESS_METHODS: Mapping[str, Method] = MappingProxyType(
    {"server/discover": _discover, "tools/list": _list_fresh, "tools/call": _call_complete}
)
