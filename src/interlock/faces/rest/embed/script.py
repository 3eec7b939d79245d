"""The widget's script, as one file that browsers may keep for an hour and then ask about by its hash."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/javascript"
_FILE = Path(__file__).with_name("embed.js")


@cache
def source() -> bytes:
    """The script."""
    return _FILE.read_bytes()


@cache
def etag() -> str:
    """Its hash, as HTTP spells it."""
    return f'"{hashlib.sha256(source()).hexdigest()[:32]}"'


async def serve(request: Request) -> Response:
    """Answer GET /embed.js."""
    headers = {"ETag": etag(), "Cache-Control": "public, max-age=3600"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag() in known:
        return Response(status_code=304, headers=headers)
    return Response(source(), headers={**headers, "Content-Type": f"{MEDIA_TYPE}; charset=utf-8"})
