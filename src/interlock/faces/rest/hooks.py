"""The hand-written door for calls from outside: `/hooks/{slug}` takes raw bytes, because they are what is signed."""

from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.domains.webhooks.service import receiving
from interlock.domains.webhooks.views import Receipt
from interlock.faces.rest.binding import FACE
from interlock.faces.web.body import check_text, read_body
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import visitor
from interlock.faces.web.errors import error_response
from interlock.kit.errors import InterlockError
from interlock.kit.operations import facts_of
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.invoke import invoke

PATH = "/hooks/{slug}"


async def receive(request: Request) -> Response:
    """Start the hook's workflow, and answer with the run."""
    slug: str = request.path_params["slug"]
    try:
        check_text(slug, "slug")
        ctx = await visitor(request, FACE, partial(_owner, slug))
        body = await read_body(request, ctx.settings.max_body_bytes)
        command = command_of(
            receiving.ReceiveCall, {"slug": slug, "body": body, "headers": dict(request.headers)}, frozenset({"slug"})
        )
        receipt = await invoke(ctx, receiving.receive, command)
    except InterlockError as error:
        return error_response(error)
    return Response(orjson.dumps(_reply(receipt)), media_type="application/json")


async def _owner(slug: str, ctx: Ctx) -> WorkspaceId:
    return await receiving.owner(ctx, slug)


def _reply(receipt: Receipt) -> dict[str, Any]:
    reply: dict[str, Any] = {"status": "accepted", "run_id": str(receipt.run_id)}
    if receipt.duplicate:
        reply["duplicate"] = True
    if receipt.status is not None:
        reply |= {"status": receipt.status.value, "output": receipt.output, "error": receipt.error}
    return reply


ROUTES = (Route(PATH, receive, methods=["POST"], name="hooks.receive"),)


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of this door."""
    facts = facts_of(receiving.receive)
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    statuses = ("400", "401", "403", "404", "409", "413", "422", "429", "500", "503")
    text = {"type": "string"}
    reply = {
        "type": "object",
        "required": ["status", "run_id"],
        "properties": {
            "status": {**text, "description": "accepted; where the hook responds, how the run ended."},
            "run_id": text,
            "duplicate": {"type": "boolean", "description": "The run was started by an earlier call like this one."},
            "output": {"type": ["object", "null"], "additionalProperties": True},
            "error": {"type": ["string", "null"]},
        },
    }
    names = ("X-Stryda-Signature", "webhook-id", "webhook-timestamp", "webhook-signature")
    parameters: list[dict[str, Any]] = [{"name": "slug", "in": "path", "required": True, "schema": text}]
    parameters += [{"name": name, "in": "header", "required": False, "schema": text} for name in names]
    return {
        PATH: {
            "post": {
                "operationId": f"{facts.name}.post",
                "summary": facts.summary,
                "tags": ["hooks"],
                "parameters": parameters,
                "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
                "responses": {
                    **{status: {"description": "error", **error} for status in statuses},
                    "200": {"description": "Started.", "content": {"application/json": {"schema": reply}}},
                },
            }
        }
    }
