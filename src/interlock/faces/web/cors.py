"""The few addresses that pages of every origin may call from a browser: the embed doors. All others stay closed.

No credentials are ever involved: the allowed origin is `*`, which browsers refuse to combine with cookies.
Source: WHATWG Fetch, section 3.3 (the CORS protocol).
"""

from starlette.responses import Response

EMBED_PREFIX = "/api/embed/"
SCRIPT_PATH = "/embed.js"
HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-request-id"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "content-type, accept",
    "Access-Control-Max-Age": "7200",
}


def is_open(path: str) -> bool:
    """Whether a page of any origin may call this path."""
    return path.startswith(EMBED_PREFIX) or path == SCRIPT_PATH


def preflight() -> Response:
    """The reply to a browser that asks before it calls."""
    return Response(status_code=204, headers=_PREFLIGHT)
