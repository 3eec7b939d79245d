"""The hand-written routes of tables: files that come in as forms, files and progress that go out as streams."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from interlock.domains.tables import service as tables
from interlock.domains.tables.states import IMPORT_LIFE, ImportStatus
from interlock.faces.rest.binding import FACE, Function
from interlock.faces.rest.wire.tables import ImportReply
from interlock.faces.web.commands import command_of, query_values
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller
from interlock.faces.web.errors import error_response
from interlock.faces.web.sse import last_event_id, stream_response
from interlock.faces.web.uploads import received
from interlock.kit.errors import InterlockError
from interlock.kit.operations import facts_of
from interlock.runtime.events import StreamEvent
from interlock.runtime.invoke import invoke

MOST_BYTES = 50_000_000
_ENDINGS = frozenset(f"import.{status.value}" for status in ImportStatus if IMPORT_LIFE.is_final(status))
_PATH = frozenset({"table_id"})


async def import_file(request: Request) -> Response:
    """Take a CSV or XLSX file for a table, or for a new one; the answer comes before the rows are in."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        async with received(request, ctx.settings.data_dir / "imports", limit=MOST_BYTES) as upload:
            given = {name: value for name, value in upload.fields.items() if value}
            values = {**given, **request.path_params, "file": upload.path, "filename": upload.filename}
            command = command_of(tables.ImportFile, values, _PATH & set(request.path_params))
            found = await invoke(ctx, tables.import_file, command)
    except InterlockError as error:
        return error_response(error)
    return Response(ImportReply.model_validate(found).model_dump_json(), media_type="application/json")


async def export(request: Request) -> Response:
    """Download a table as CSV, XLSX or JSON."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        values = {**query_values(request), **request.path_params}
        export = await invoke(ctx, tables.export, command_of(tables.ExportTable, values, _PATH))
    except InterlockError as error:
        return error_response(error)
    headers = {
        "Content-Disposition": f'attachment; filename="{export.filename}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(export.chunks, media_type=export.media_type, headers=headers)


async def import_events(request: Request) -> Response:
    """Stream an import's progress, from `Last-Event-ID` on; the stream closes when the import has ended."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        after = last_event_id(request)
        command = command_of(tables.ImportRef, request.path_params, frozenset(request.path_params))
        stream = await invoke(ctx, tables.import_events, command)
    except InterlockError as error:
        return error_response(error)
    return stream_response(request, ctx, stream, after, _is_ending)


def _is_ending(event: StreamEvent) -> bool:
    return event.type in _ENDINGS


ROUTES = (
    Route("/api/v1/tables/import", import_file, methods=["POST"], name="tables.import_new"),
    Route("/api/v1/tables/{table_id}/import", import_file, methods=["POST"], name="tables.import_file"),
    Route("/api/v1/tables/{table_id}/export", export, name="tables.export"),
    Route("/api/v1/tables/{table_id}/imports/{import_id}/events", import_events, name="tables.import_events"),
)


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of these routes."""
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "CSV or XLSX, at most 50 MB."},
            "name": {"type": "string", "description": "Of the new table."},
            "sheet": {"type": "string", "description": "Of an XLSX file; the first where absent."},
        },
    }
    reply = {"application/json": {"schema": {"type": "object"}}}
    table, file = _path_parameter("table_id"), _path_parameter("import_id")
    kinds = {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": ["csv", "xlsx", "json"], "default": "csv"},
    }
    last = {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"}}
    text = {"schema": {"type": "string"}}
    sheet = {
        "text/csv": text,
        "application/json": {"schema": {"type": "array"}},
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": text,
    }
    described = _described(tables.export, "get", [table, kinds], sheet)
    following = _described(tables.import_events, "get", [table, file, last], {"text/event-stream": text})
    return {
        "/api/v1/tables/import": _described(tables.import_file, "post", [], reply, form, "tables.import_new"),
        "/api/v1/tables/{table_id}/import": _described(tables.import_file, "post", [table], reply, form),
        "/api/v1/tables/{table_id}/export": described,
        "/api/v1/tables/{table_id}/imports/{import_id}/events": following,
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _described(
    function: Function,
    method: str,
    parameters: list[dict[str, Any]],
    content: dict[str, Any],
    form: dict[str, Any] | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    facts = facts_of(function)
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    statuses = ("400", "401", "403", "404", "413", "422", "429", "500", "503")
    responses: dict[str, Any] = {status: {"description": "error", **error} for status in statuses}
    responses["200"] = {"description": "Done.", "content": content}
    entry: dict[str, Any] = {
        "operationId": f"{name or facts.name}.{method}",
        "summary": facts.summary,
        "tags": ["tables"],
        "security": [{"api_key": []}, {"bearer": []}],
        "parameters": parameters,
        "responses": responses,
    }
    if form is not None:
        entry["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    return {method: entry}
