"""The native wire form of an error: both keys that readers look for, in every error."""

from typing import Any

import orjson
import structlog
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.telemetry import scrub

log = structlog.get_logger(__name__)

STATUS: dict[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMITED: 429,
    Kind.BUDGET_EXCEEDED: 503,
    Kind.UPSTREAM: 502,
    Kind.UPSTREAM_TIMEOUT: 504,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}

_SHOWN = 100
_ROUTER_ERRORS = {
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "This path does not take that method."),
}


def error_body(error: InterlockError) -> dict[str, Any]:
    """`detail` for general readers, `error` for those who want code and facts."""
    details = dict(error.data)
    if error.hint:
        details["hint"] = error.hint
    return {"detail": error.message, "error": {"code": error.code, "message": error.message, "details": details}}


def error_response(error: InterlockError) -> Response:
    """The HTTP response for an error."""
    headers = {}
    if error.kind is Kind.RATE_LIMITED and "retry_after" in error.data:
        headers["Retry-After"] = str(error.data["retry_after"])
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(error_body(error)), STATUS[error.kind], headers, "application/json")


def unexpected(request: Request, error: Exception) -> InterlockError:
    """What the caller may know of a programming error: nothing but the id under which it was logged."""
    request_id = request.scope.get("interlock.request_id", "")
    log.error("unexpected error", path=scrub(request.url.path), request_id=request_id, exc_info=error)
    return InterlockError(
        Kind.INTERNAL,
        "Something unexpected went wrong on the server.",
        code="internal_error",
        data={"request_id": request_id},
        hint="Retry with exponential backoff; if it stays, send the request id to the operator.",
    )


async def http_exception(request: Request, error: Exception) -> Response:
    """What the router itself refuses (no such path, wrong method), in the same shape as everything else."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, message = _ROUTER_ERRORS.get(status, ("http_error", "The request could not be routed."))
    details = {"path": request.url.path[:_SHOWN]}
    body = {"detail": message, "error": {"code": code, "message": message, "details": details}}
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(orjson.dumps(body), status, headers, "application/json")


def from_validation(error: ValidationError, path_fields: frozenset[str] = frozenset()) -> InterlockError:
    """Pydantic's findings in words that name the field; a malformed id in the path is simply not found."""
    problems = []
    for found in error.errors(include_url=False, include_context=False):
        field = ".".join(str(part) for part in found["loc"])[:_SHOWN]
        if found["loc"] and found["loc"][0] in path_fields:
            given = str(found["input"])[:_SHOWN]
            return InterlockError(Kind.NOT_FOUND, f"No such thing: '{given}'.", data={"id": given})
        problems.append({"field": field, "problem": found["msg"]})
    first = problems[0]
    message = f"Validation error: '{first['field'] or 'body'}': {first['problem']}."
    return InterlockError(
        Kind.INVALID, message, code="validation_error", data={"field": first["field"], "problems": problems[:20]}
    )
