"""One line per native route: verb, path, operation, reply. This file makes the line a handler; it decides nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from interlock.faces.web.body import read_body
from interlock.faces.web.commands import command_of, query_values
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller, visitor
from interlock.faces.web.errors import error_response
from interlock.kit.errors import InterlockError, malformed
from interlock.kit.json_text import parse_json
from interlock.kit.operations import Operation, facts_of
from interlock.kit.paging import Page
from interlock.runtime.context import ActorKind, Ctx, WorkspaceId
from interlock.runtime.invoke import invoke

FACE = "rest"
BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
Function = Callable[[Ctx, Any], Awaitable[Any]]
Owner = Callable[[Any, Ctx], Awaitable[WorkspaceId]]


@dataclass(frozen=True)
class NativeRoute:
    """A line of the route table."""

    method: str
    path: str
    function: Function
    reply: Any
    status: int
    allowed: frozenset[ActorKind] | None
    operation: Operation
    path_fields: frozenset[str]
    tag: str
    owner: Owner | None


def route(
    method: str,
    path: str,
    function: Function,
    reply: Any,
    *,
    status: int = 200,
    allowed: frozenset[ActorKind] | None = PEOPLE_AND_KEYS,
    owner: Owner | None = None,
) -> NativeRoute:
    """Declare a route.

    Args:
        method: HTTP verb.
        path: path with `{field}` parts, each a field of the operation's command.
        function: the operation; the rest of its command comes from the query (reads) or the JSON body (writes).
        reply: the wire type built from the operation's result; `list[T]` takes a page's items.
        status: of success.
        allowed: which kinds of credential this door takes; None for public ones.
        owner: of a public door that belongs to a workspace: from the command to whose it is.
    """
    operation = facts_of(function)
    fields = frozenset(part.strip("{}") for part in path.split("/") if part.startswith("{"))
    unknown = fields - set(operation.command.model_fields)
    if unknown:
        raise ValueError(f"{method} {path}: {operation.command.__name__} has no field {sorted(unknown)}")
    tag = operation.name.split(".")[0]
    return NativeRoute(method, path, function, reply, status, allowed, operation, fields, tag, owner)


def bound(line: NativeRoute) -> StarletteRoute:
    """The line as a Starlette route."""
    adapter: TypeAdapter[Any] = TypeAdapter(line.reply)
    command_type = line.operation.command
    takes_body = line.method in BODY_METHODS
    repeated = _repeated_fields(command_type)

    async def handle(request: Request) -> Response:
        try:
            ctx = await caller(request, FACE, line.allowed)
            given = await _body(request, ctx) if takes_body else query_values(request, repeated)
            command = command_of(command_type, {**given, **request.path_params}, line.path_fields)
            if line.owner is not None:
                ctx = await visitor(request, FACE, partial(line.owner, command))
            result = await invoke(ctx, line.function, command)
        except InterlockError as error:
            return error_response(error)
        value = list(result.items) if isinstance(result, Page) else result
        wire = adapter.validate_python(value, from_attributes=True)
        body = adapter.dump_json(wire, context={"base_url": ctx.settings.base_url})
        return Response(body, line.status, media_type="application/json")

    return StarletteRoute(line.path, handle, methods=[line.method], name=line.operation.name)


async def _body(request: Request, ctx: Ctx) -> dict[str, Any]:
    raw = await read_body(request, ctx.settings.max_body_bytes)
    if not raw.strip():
        return {}
    value = parse_json(raw, max_depth=ctx.settings.max_json_depth)
    if not isinstance(value, dict):
        raise malformed("The body must be a JSON object.", hint="Send {...}.")
    return value


def _repeated_fields(command: type[BaseModel]) -> frozenset[str]:
    """Fields that take several values, so `?tag=a&tag=b` is a list."""
    return frozenset(name for name, field in command.model_fields.items() if _is_sequence(field.annotation))


def _is_sequence(annotation: Any) -> bool:
    origin = getattr(annotation, "__origin__", None)
    if origin in (list, tuple):
        return True
    return isinstance(annotation, UnionType) and any(_is_sequence(part) for part in get_args(annotation))
