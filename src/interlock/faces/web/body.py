"""Request bodies, read with limits, and text of paths and queries checked for what no database can hold."""

from starlette.requests import Request

from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.kit.json_text import parse_json

__all__ = ["check_text", "parse_json", "read_body"]


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; refused as soon as it is larger than the limit in bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def check_text(value: str, field: str) -> None:
    """Refuse a NUL character or half a surrogate pair in text that came by path or query."""
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise invalid(f"'{field}' holds a character that cannot be stored (NUL or a lone surrogate).", field=field)


def _too_large(limit: int) -> InterlockError:
    return InterlockError(
        Kind.TOO_LARGE, f"The body is larger than {limit} bytes.", code="body_too_large", data={"limit_bytes": limit}
    )
