"""The hand-written door to a backup's file, which is sent as it lies on the disk."""

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from interlock.domains.settings import backups
from interlock.faces.rest.binding import FACE
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller
from interlock.faces.web.errors import error_response
from interlock.kit.errors import InterlockError
from interlock.kit.operations import facts_of
from interlock.runtime.invoke import invoke

PATH = "/api/v1/backups/{name}/download"


async def download(request: Request) -> Response:
    """Send a backup."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        command = command_of(backups.BackupRef, dict(request.path_params), frozenset({"name"}))
        found = await invoke(ctx, backups.open_, command)
    except InterlockError as error:
        return error_response(error)
    return FileResponse(found.path, media_type="application/gzip", filename=found.name)


ROUTES = (Route(PATH, download, name="backups.open"),)


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of this door."""
    facts = facts_of(backups.open_)
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    statuses = ("400", "401", "403", "404", "422", "429", "500", "503")
    return {
        PATH: {
            "get": {
                "operationId": f"{facts.name}.get",
                "summary": facts.summary,
                "tags": ["backups"],
                "security": [{"api_key": []}, {"bearer": []}],
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {
                    **{status: {"description": "error", **error} for status in statuses},
                    "200": {
                        "description": "The file.",
                        "content": {"application/gzip": {"schema": {"type": "string"}}},
                    },
                },
            }
        }
    }
