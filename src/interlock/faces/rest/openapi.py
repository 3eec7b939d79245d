"""The OpenAPI 3.1 document of the native API, generated from the route table; what it says is what the binder does."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from interlock import __version__
from interlock.faces.rest.binding import BODY_METHODS, NativeRoute
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import Kind
from interlock.runtime.context import ActorKind

_REF = "#/components/schemas/{model}"
_ALWAYS = (Kind.MALFORMED, Kind.INVALID, Kind.TOO_LARGE, Kind.RATE_LIMITED, Kind.INTERNAL, Kind.UNAVAILABLE)
_ERROR = {
    "type": "object",
    "required": ["detail", "error"],
    "properties": {
        "detail": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": "object", "additionalProperties": True},
            },
        },
    },
}


class _Generator(GenerateJsonSchema):
    """Pydantic's schemas, except that a default amount of money is a number, as its field is."""

    def encode_default(self, dft: Any) -> Any:
        """A default as it would be sent."""
        return float(dft) if isinstance(dft, Decimal) else super().encode_default(dft)


def document(lines: Iterable[NativeRoute], extra_paths: dict[str, Any], server_url: str) -> dict[str, Any]:
    """The whole document.

    Args:
        lines: the route table.
        extra_paths: path items of the endpoints that are written by hand.
        server_url: where the server is reached.
    """
    lines = tuple(lines)
    commands, schemas = models_json_schema(
        [(line.operation.command, "validation") for line in lines],
        ref_template=_REF,
        by_alias=True,
        schema_generator=_Generator,
    )
    replies, reply_schemas = TypeAdapter.json_schemas(
        [(index, "serialization", TypeAdapter(line.reply)) for index, line in enumerate(lines)],
        ref_template=_REF,
        schema_generator=_Generator,
    )
    definitions = {**schemas.get("$defs", {}), **reply_schemas.get("$defs", {}), "Error": _ERROR}
    paths: dict[str, Any] = {path: dict(item) for path, item in extra_paths.items()}
    for index, line in enumerate(lines):
        command = _resolved(commands[line.operation.command, "validation"], definitions)
        item = _path_item(line, command, replies[index, "serialization"])
        paths.setdefault(line.path, {})[line.method.lower()] = item
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Interlock",
            "version": __version__,
            "description": "A self-hosted control plane for AI agents: governed tools, budgets, approvals, evidence.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _path_item(line: NativeRoute, command: dict[str, Any], reply: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = command.get("properties", {})
    required = set(command.get("required", ()))
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": properties[name]} for name in sorted(line.path_fields)
    ]
    rest = {name: schema for name, schema in properties.items() if name not in line.path_fields}
    item: dict[str, Any] = {
        "operationId": f"{line.operation.name}.{line.method.lower()}",
        "summary": line.operation.summary,
        "tags": [line.tag],
        "responses": _responses(line, reply),
    }
    if line.method not in BODY_METHODS:
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in rest.items()
        ]
    elif rest:
        body = {"type": "object", "properties": rest, "additionalProperties": False}
        wanted = sorted(required & set(rest))
        if wanted:
            body["required"] = wanted
        item["requestBody"] = {"required": bool(wanted), "content": {"application/json": {"schema": body}}}
    if parameters:
        item["parameters"] = parameters
    if line.allowed is not None:
        item["security"] = _security(line.allowed)
    return item


def _responses(line: NativeRoute, reply: dict[str, Any]) -> dict[str, Any]:
    kinds = list(_ALWAYS)
    if line.allowed is not None:
        kinds += [Kind.UNAUTHENTICATED, Kind.FORBIDDEN]
    if line.path_fields:
        kinds += [Kind.NOT_FOUND]
    if line.method != "GET":
        kinds += [Kind.CONFLICT, Kind.NOT_FOUND, Kind.UNAUTHENTICATED, Kind.BUDGET_EXCEEDED]
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    responses: dict[str, Any] = {
        str(STATUS[kind]): {"description": kind.value.replace("_", " "), **error} for kind in kinds
    }
    content = {"application/json": {"schema": reply}}
    responses[str(line.status)] = {"description": "Done.", "content": content}
    return dict(sorted(responses.items()))


def _security(allowed: frozenset[ActorKind]) -> list[dict[str, list[str]]]:
    ways = []
    if ActorKind.KEY in allowed:
        ways.append("api_key")
    if allowed - {ActorKind.KEY}:
        ways.append("bearer")
    return [{way: []} for way in ways]


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference: str = schema.get("$ref", "")
    found: dict[str, Any] = definitions[reference.rsplit("/", 1)[-1]] if reference else schema
    return found
