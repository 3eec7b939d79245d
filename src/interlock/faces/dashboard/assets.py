"""Scripts, styles and pictures: read once, compressed once, addressed by their content so that browsers keep them."""

import base64
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.faces.web.errors import http_exception

PREFIX = "/assets/"
_FOLDER = Path(__file__).with_name("static")
_SERVED = frozenset({".js", ".css", ".svg", ".png", ".ico", ".txt"})
_SMALLEST_COMPRESSED = 500


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent.

    Args:
        version: changes whenever the content does.
    """

    plain: bytes
    compressed: bytes | None
    media_type: str
    version: str


@cache
def _names() -> frozenset[str]:
    """Every file that is served; nothing else can be asked for, whatever its path."""
    return frozenset(
        str(path.relative_to(_FOLDER)) for path in _FOLDER.rglob("*") if path.is_file() and path.suffix in _SERVED
    )


@cache
def _asset(name: str) -> Asset:
    plain = (_FOLDER / name).read_bytes()
    version = base64.urlsafe_b64encode(hashlib.sha256(plain).digest()[:9]).decode()
    compressed = gzip.compress(plain, mtime=0) if len(plain) >= _SMALLEST_COMPRESSED else None
    return Asset(plain, compressed, mimetypes.guess_type(name)[0] or "application/octet-stream", version)


def asset_url(name: str) -> str:
    """The address of a file, for as long as it stays as it is."""
    if name not in _names():
        raise ValueError(f"no such asset: {name}")
    return f"{PREFIX}{name}?v={_asset(name).version}"


async def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _names():
        return await http_exception(request, HTTPException(404))
    asset = _asset(name)
    is_kept = request.query_params.get("v") == asset.version
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if is_kept else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if asset.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.compressed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.media_type)
    return Response(asset.plain, headers=headers, media_type=asset.media_type)


ROUTES = (Route(PREFIX + "{name:path}", _serve, name="dashboard.asset"),)
