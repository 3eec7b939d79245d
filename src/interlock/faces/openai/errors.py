"""Errors as OpenAI clients expect them: `{"error": {message, type, param, code}}`."""

from typing import Any

import orjson
from starlette.responses import Response

from interlock.kit.errors import InterlockError, Kind

# OpenAI has no 422: what is wrong with a request is a 400. A spent budget is what it calls a quota.
STATUS: dict[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMITED: 429,
    Kind.BUDGET_EXCEEDED: 429,
    Kind.UPSTREAM: 502,
    Kind.UPSTREAM_TIMEOUT: 504,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
_TYPES: dict[Kind, str] = {
    Kind.MALFORMED: "invalid_request_error",
    Kind.INVALID: "invalid_request_error",
    Kind.UNAUTHENTICATED: "invalid_request_error",
    Kind.FORBIDDEN: "permission_error",
    Kind.NOT_FOUND: "invalid_request_error",
    Kind.CONFLICT: "invalid_request_error",
    Kind.TOO_LARGE: "invalid_request_error",
    Kind.RATE_LIMITED: "rate_limit_error",
    Kind.BUDGET_EXCEEDED: "insufficient_quota",
    Kind.UPSTREAM: "api_error",
    Kind.UPSTREAM_TIMEOUT: "api_error",
    Kind.UNAVAILABLE: "api_error",
    Kind.INTERNAL: "api_error",
}
_CODES = {"unknown_model": "model_not_found", "unknown_script": "model_not_found", "unauthorized": "invalid_api_key"}
# Codes that OpenAI answers with another status than their kind.
_MISSING = frozenset({"unknown_model", "unknown_script"})


def error_body(error: InterlockError) -> dict[str, Any]:
    """The error object; the remedy is part of the message, because the format has no place for it."""
    message = f"{error.message} {error.hint}" if error.hint else error.message
    code = "insufficient_quota" if error.kind is Kind.BUDGET_EXCEEDED else _CODES.get(error.code, error.code)
    return {"error": {"message": message, "type": _TYPES[error.kind], "param": error.data.get("field"), "code": code}}


def error_response(error: InterlockError) -> Response:
    """The HTTP response for an error."""
    headers = {}
    if "retry_after" in error.data:
        headers["Retry-After"] = f"{error.data['retry_after']:.0f}"
    if error.kind is Kind.BUDGET_EXCEEDED:
        # OpenAI's own clients obey this; without it they would knock again at once.
        headers["x-should-retry"] = "false"
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    status = 404 if error.code in _MISSING else STATUS[error.kind]
    return Response(orjson.dumps(error_body(error)), status, headers, "application/json")
