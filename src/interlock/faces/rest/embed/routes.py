"""The hand-written routes of the widget: one URL that answers as JSON or as a stream, and the script."""

from functools import partial
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.domains.chatbots import service as chatbots
from interlock.faces.rest.binding import FACE
from interlock.faces.rest.embed import script
from interlock.faces.rest.embed.events import ReplyEvents
from interlock.faces.rest.wire.chatbots import Said
from interlock.faces.web.body import check_text, read_body
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import caller, visitor
from interlock.faces.web.errors import error_response
from interlock.kit.errors import InterlockError, malformed
from interlock.kit.json_text import parse_json
from interlock.kit.operations import Command, facts_of
from interlock.runtime.invoke import invoke

_MOST_BYTES = 100_000  # the longest message, in its longest spelling
_STREAM = "text/event-stream"


class SaidByVisitor(Command):
    """The body of a visitor's message."""

    model_config = ConfigDict(title="SayToChatbot")

    message: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"\S", description="What is said.")]
    session_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="Of an earlier reply, or of your own making. Yours should be impossible to guess; it is good "
            "from one address only. Without one the server begins a session and tells its id.",
        ),
    ] = None
    stream: Annotated[bool, Field(description="Answer as server-sent events; so does 'Accept: text/event-stream'.")] = (
        False
    )


async def chat(request: Request) -> Response:
    """One visitor's turn with a deployed chatbot."""
    try:
        ctx = await caller(request, FACE, None)
        raw = await read_body(request, min(_MOST_BYTES, ctx.settings.max_body_bytes))
        given = parse_json(raw, max_depth=ctx.settings.max_json_depth) if raw.strip() else {}
        if not isinstance(given, dict):
            raise malformed("The body must be a JSON object.", hint="Send {...}.")
        said = command_of(SaidByVisitor, given)
        origin = request.headers.get("origin")
        check_text(origin or "", "origin")
        values = {"message": said.message, "session_id": said.session_id, "origin": origin, **request.path_params}
        command = command_of(chatbots.SayToChatbot, values, frozenset({"embed_id"}))
        ctx = await visitor(request, FACE, partial(chatbots.owner_of, command))
        if said.stream or _STREAM in request.headers.get("accept", ""):
            return ReplyEvents(await invoke(ctx, chatbots.stream, command))
        reply = await invoke(ctx, chatbots.reply, command)
    except InterlockError as error:
        return error_response(error)
    body = Said.model_validate(reply).model_dump_json()
    return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")


ROUTES = (
    Route("/api/embed/{embed_id}/chat", chat, methods=["POST"], name="chatbots.reply"),
    Route("/embed.js", script.serve, methods=["GET"], name="chatbots.embed_script"),
)


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of these routes."""
    facts = facts_of(chatbots.reply)
    embed_id = {"name": "embed_id", "in": "path", "required": True, "schema": {"type": "string"}}
    body = SaidByVisitor.model_json_schema()
    reply = Said.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    reply.pop("$defs")
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    statuses = ("400", "403", "404", "409", "413", "422", "429", "500", "503")
    return {
        "/api/embed/{embed_id}/chat": {
            "post": {
                "operationId": f"{facts.name}.post",
                "summary": facts.summary,
                "tags": ["chatbots"],
                "parameters": [embed_id],
                "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                "responses": {
                    "200": {
                        "description": "The answer; as a stream: session, delta, sources, done, or error.",
                        "content": {"application/json": {"schema": reply}, _STREAM: {"schema": {"type": "string"}}},
                    },
                    **{status: {"description": "error", **error} for status in statuses},
                },
            }
        },
        "/embed.js": {
            "get": {
                "operationId": "chatbots.embed_script.get",
                "summary": "The script that draws a chatbot's bubble on a page.",
                "tags": ["chatbots"],
                "responses": {
                    "200": {
                        "description": "The script.",
                        "content": {script.MEDIA_TYPE: {"schema": {"type": "string"}}},
                    },
                    "429": {"description": "error", **error},
                },
            }
        },
    }
