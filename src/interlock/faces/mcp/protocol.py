"""JSON-RPC 2.0 as MCP uses it: reading messages, versions, errors and replies. Pure; no transport and no tool.

Sources: JSON-RPC 2.0; Model Context Protocol revisions 2024-11-05 to 2025-11-25, which are opened by `initialize`, and
2026-07-28, in which every HTTP request stands for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from interlock.kit.errors import InterlockError, Kind

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LATEST = VERSIONS[-1]
STATELESS = "2026-07-28"
"""The revision without handshake and session: each request names version and capabilities in `_meta`."""
ASSUMED = "2025-03-26"
"""What the specification has a server assume of a request that names no version."""
BATCHED = frozenset({"2024-11-05", "2025-03-26"})
"""Revisions in which a body may be an array of messages; later ones took that back."""
LONGEST_BATCH = 20

Id: TypeAlias = int | str
Reply: TypeAlias = dict[str, Any]


META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META_SERVER = "io.modelcontextprotocol/serverInfo"


class Code(IntEnum):
    """Error codes of JSON-RPC and MCP."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    UNAUTHORIZED = -32001
    RATE_LIMITED = -32003
    HEADER_MISMATCH = -32020
    UNSUPPORTED_VERSION = -32022


CODES: dict[Kind, Code] = {
    Kind.MALFORMED: Code.PARSE_ERROR,
    Kind.INVALID: Code.INVALID_PARAMS,
    Kind.UNAUTHENTICATED: Code.UNAUTHORIZED,
    Kind.FORBIDDEN: Code.INVALID_PARAMS,
    Kind.NOT_FOUND: Code.INVALID_PARAMS,
    Kind.CONFLICT: Code.INVALID_PARAMS,
    Kind.TOO_LARGE: Code.INVALID_REQUEST,
    Kind.RATE_LIMITED: Code.RATE_LIMITED,
    Kind.BUDGET_EXCEEDED: Code.INTERNAL_ERROR,
    Kind.UPSTREAM: Code.INTERNAL_ERROR,
    Kind.UPSTREAM_TIMEOUT: Code.INTERNAL_ERROR,
    Kind.UNAVAILABLE: Code.INTERNAL_ERROR,
    Kind.INTERNAL: Code.INTERNAL_ERROR,
}
"""How each kind of error is told in a reply; a tool that failed or was refused is a result, not an error."""

STATUS: dict[int, int] = {Code.PARSE_ERROR: 400, Code.INVALID_REQUEST: 400, Code.UNSUPPORTED_VERSION: 400}
"""HTTP statuses of errors about the message itself; others travel over 200."""
STATELESS_STATUS: dict[int, int] = {
    **STATUS,
    Code.INVALID_PARAMS: 400,
    Code.HEADER_MISMATCH: 400,
    Code.METHOD_NOT_FOUND: 404,
}
"""The same under 2026-07-28, which asks for more."""


class RpcError(Exception):
    """A message that cannot be answered as asked."""

    def __init__(self, code: Code, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = None if data is None else dict(data)


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or with id None a notification or a response, neither of which is answered."""

    method: str
    params: dict[str, Any]
    id: Id | None


def read_message(value: Any) -> Message:
    """One message from parsed JSON.

    Raises:
        RpcError: it is no JSON-RPC 2.0 message.
    """
    if not isinstance(value, dict):
        raise RpcError(Code.INVALID_REQUEST, "A message must be a JSON object.")
    if value.get("jsonrpc") != "2.0":
        raise RpcError(Code.INVALID_REQUEST, "'jsonrpc' must be \"2.0\".")
    if "method" not in value and ("result" in value or "error" in value):
        return Message("", {}, None)
    method, params = value.get("method"), value.get("params")
    if not isinstance(method, str) or not method:
        raise RpcError(Code.INVALID_REQUEST, "'method' must be a string.")
    if "id" in value and id_of(value) is None:
        raise RpcError(Code.INVALID_REQUEST, "'id' must be a string or an integer.")
    if params is not None and not isinstance(params, dict):
        raise RpcError(Code.INVALID_PARAMS, "'params' must be an object.")
    return Message(method, params or {}, id_of(value))


def id_of(value: Any) -> Id | None:
    """The id of something that may be a request."""
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


def result(id: Id | None, value: Mapping[str, Any]) -> Reply:
    """A successful reply."""
    return {"jsonrpc": "2.0", "id": id, "result": value}


def failed(id: Id | None, error: RpcError) -> Reply:
    """A reply that says why not."""
    body: dict[str, Any] = {"code": int(error.code), "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": id, "error": body}


def notification(method: str, params: Mapping[str, Any]) -> Reply:
    """A message from the server that wants no answer."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def rpc_error(error: InterlockError) -> RpcError:
    """An error of the product in the words of the protocol."""
    data = {"code": error.code, **error.data}
    if error.hint:
        data["hint"] = error.hint
    return RpcError(CODES[error.kind], error.message, data)


def negotiated(wanted: Any) -> str:
    """The revision to speak with a client: its own where it is known, else our newest."""
    return wanted if wanted in VERSIONS else LATEST


def check_version(named: str | None) -> str:
    """The revision a request is made under.

    Raises:
        RpcError: it is named and unknown.
    """
    if named is None:
        return ASSUMED
    if named not in VERSIONS and named != STATELESS:
        raise RpcError(
            Code.UNSUPPORTED_VERSION,
            f"Protocol version '{named[:40]}' is not supported.",
            {"supported": [*VERSIONS, STATELESS], "requested": named[:40]},
        )
    return named


def check_envelope(headers: Mapping[str, str], message: Message) -> None:
    """Have a request of the stateless revision say in its headers what it says in its body.

    Raises:
        RpcError: a required field of `_meta` is missing, or a header differs.
    """
    meta = message.params.get("_meta")
    if not isinstance(meta, dict):
        raise RpcError(Code.INVALID_PARAMS, "'params._meta' must be an object with version and capabilities.")
    for name in (META_VERSION, META_CAPABILITIES):
        if name not in meta:
            raise RpcError(Code.INVALID_PARAMS, f"'params._meta' lacks '{name}'.")
    expected = {"mcp-protocol-version": meta[META_VERSION], "mcp-method": message.method}
    if message.method == "tools/call":
        expected["mcp-name"] = message.params.get("name")
    for header, value in expected.items():
        if headers.get(header) != value:
            raise RpcError(Code.HEADER_MISMATCH, f"The header '{header}' differs from what the body says.")
