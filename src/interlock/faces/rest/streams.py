"""The hand-written routes of the native API: those whose reply is a stream."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from interlock.domains.chats import service as chats
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import LIFECYCLE, RunStatus
from interlock.faces.rest.binding import FACE, Function
from interlock.faces.web.commands import command_of, query_values
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller
from interlock.faces.web.errors import error_response
from interlock.faces.web.sse import last_event_id, stream_response
from interlock.kit.errors import InterlockError
from interlock.kit.operations import facts_of
from interlock.runtime.events import StreamEvent
from interlock.runtime.invoke import invoke

_ENDINGS = frozenset(f"run.{status.value}" for status in RunStatus if LIFECYCLE.is_final(status))


async def run_events(request: Request) -> Response:
    """Stream a run's events as they happen, from `Last-Event-ID` on; the stream closes when the run has ended."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        after = last_event_id(request)
        stream = await invoke(ctx, runs.events, command_of(runs.RunRef, request.path_params, frozenset({"run_id"})))
    except InterlockError as error:
        return error_response(error)
    return stream_response(request, ctx, stream, after, _is_ending)


async def chat_events(request: Request) -> Response:
    """Stream an answer while it is written, from `Last-Event-ID` on; the stream closes when the answer has ended."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        after = last_event_id(request)
        stream = await invoke(ctx, chats.events, command_of(chats.TurnRef, request.path_params, frozenset({"run_id"})))
    except InterlockError as error:
        return error_response(error)
    return stream_response(request, ctx, stream, after, lambda event: event.type == chats.ENDED)


async def ledger_export(request: Request) -> Response:
    """Download evidence as JSON lines or CSV while it is read."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        export = await invoke(ctx, ledger.export, command_of(ledger.ExportLedger, query_values(request)))
    except InterlockError as error:
        return error_response(error)
    headers = {"Content-Disposition": f'attachment; filename="{export.filename}"'}
    return StreamingResponse(export.chunks, media_type=export.media_type, headers=headers)


def _is_ending(event: StreamEvent) -> bool:
    return event.type in _ENDINGS


ROUTES = (
    Route("/api/v1/runs/{run_id}/events", run_events, name="runs.events"),
    Route("/api/v1/chats/answers/{run_id}/events", chat_events, name="chats.events"),
    Route("/api/ledger/export", ledger_export, name="ledger.export"),
)


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of these routes."""
    run_id = {"name": "run_id", "in": "path", "required": True, "schema": {"type": "string"}}
    last = {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"}}
    export = ledger.ExportLedger.model_json_schema(by_alias=True)["properties"]
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in export.items()]
    return {
        "/api/v1/runs/{run_id}/events": _described(runs.events, "runs", [run_id, last], "text/event-stream"),
        "/api/v1/chats/answers/{run_id}/events": _described(chats.events, "chats", [run_id, last], "text/event-stream"),
        "/api/ledger/export": _described(ledger.export, "ledger", query, "application/x-ndjson", "text/csv"),
    }


def _described(function: Function, tag: str, parameters: list[dict[str, Any]], *media: str) -> dict[str, Any]:
    facts = facts_of(function)
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    responses = {
        status: {"description": "error", **error} for status in ("401", "403", "404", "422", "429", "500", "503")
    }
    responses["200"] = {"description": "A stream.", "content": {kind: {"schema": {"type": "string"}} for kind in media}}
    return {
        "get": {
            "operationId": f"{facts.name}.get",
            "summary": facts.summary,
            "tags": [tag],
            "security": [{"api_key": []}, {"bearer": []}],
            "parameters": parameters,
            "responses": responses,
        }
    }
