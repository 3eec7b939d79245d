"""The hand-written route of forms: what was sent in, as a file."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from interlock.domains.forms.service.definition import FormRef
from interlock.domains.forms.service.exports import export_submissions
from interlock.faces.rest.binding import FACE
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller
from interlock.faces.web.errors import error_response
from interlock.kit.errors import InterlockError
from interlock.kit.operations import facts_of
from interlock.runtime.invoke import invoke

_PATH = frozenset({"form_id"})


async def export(request: Request) -> Response:
    """Download what was sent to a form as CSV."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        found = await invoke(ctx, export_submissions, command_of(FormRef, request.path_params, _PATH))
    except InterlockError as error:
        return error_response(error)
    headers = {
        "Content-Disposition": f'attachment; filename="{found.filename}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(found.chunks, media_type=found.media_type, headers=headers)


ROUTES = (Route("/api/v1/forms/{form_id}/export", export, methods=["GET"], name="forms.export_submissions"),)


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of this route."""
    facts = facts_of(export_submissions)
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    statuses = ("400", "401", "403", "404", "422", "429", "500", "503")
    refusals: dict[str, Any] = {status: {"description": "error", **error} for status in statuses}
    file = {"text/csv": {"schema": {"type": "string"}}}
    return {
        "/api/v1/forms/{form_id}/export": {
            "get": {
                "operationId": f"{facts.name}.get",
                "summary": facts.summary,
                "tags": ["forms"],
                "security": [{"api_key": []}, {"bearer": []}],
                "parameters": [{"name": "form_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "Done.", "content": file}, **refusals},
            }
        }
    }
