"""The hand-written streaming routes of the native API."""

from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.domains.runs import service as runs
from interlock.domains.runs.states import LIFECYCLE, RunStatus
from interlock.faces.rest.binding import FACE
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller
from interlock.faces.web.errors import error_response, from_validation
from interlock.faces.web.sse import last_event_id, stream_response
from interlock.kit.errors import InterlockError
from interlock.runtime.events import StreamEvent
from interlock.runtime.invoke import invoke

_ENDINGS = frozenset(f"run.{status.value}" for status in RunStatus if LIFECYCLE.is_final(status))


async def run_events(request: Request) -> Response:
    """Stream a run's events as they happen, from `Last-Event-ID` on; the stream closes when the run has ended."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        after = last_event_id(request)
        try:
            command = runs.RunRef.model_validate(request.path_params)
        except ValidationError as error:
            raise from_validation(error, frozenset({"run_id"})) from error
        stream = await invoke(ctx, runs.events, command)
    except InterlockError as error:
        return error_response(error)
    return stream_response(ctx, stream, after, _is_ending)


def _is_ending(event: StreamEvent) -> bool:
    return event.type in _ENDINGS


ROUTES = (Route("/api/v1/runs/{run_id}/events", run_events, name="runs.events"),)

_PARAMETERS = [
    {"name": "run_id", "in": "path", "required": True, "schema": {"type": "string"}},
    {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
]
OPENAPI: dict[str, Any] = {
    "/api/v1/runs/{run_id}/events": {
        "get": {
            "operationId": "runs.events.get",
            "summary": "Stream a run's events as they happen, from Last-Event-ID on.",
            "tags": ["runs"],
            "security": [{"api_key": []}, {"bearer": []}],
            "parameters": _PARAMETERS,
            "responses": {
                "200": {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
                **{
                    status: {
                        "description": "error",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                    }
                    for status in ("401", "403", "404", "422", "429", "500", "503")
                },
            },
        }
    }
}
