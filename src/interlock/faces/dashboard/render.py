"""From values to pages: the template environment, the headers of every page, and the few kinds of replies."""

import gzip
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from interlock.faces.dashboard import words
from interlock.faces.dashboard.assets import asset_url
from interlock.faces.dashboard.navigation import NAVIGATION
from interlock.faces.dashboard.visits import Visit
from interlock.runtime.lazy import lazy

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = lazy("jinja2")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_SAID_COOKIE = "interlock_said"
_SMALLEST_COMPRESSED = 1_000
_COMPRESSION = 5
_LONGEST_SAID = 500


def html(visit: Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page, or the part of one that a template whose name begins with `_` makes.

    Args:
        template: its path below `templates/`.
        values: what the template shows, beside `visit`.
    """
    said = unquote(visit.request.cookies.get(_SAID_COOKIE, ""))[:_LONGEST_SAID]
    shows_said = bool(said) and not template.rpartition("/")[2].startswith("_")
    text = environment().get_template(template).render(visit=visit, said=said if shows_said else None, **values)
    response = respond(visit.request, text, status)
    if shows_said:
        response.delete_cookie(_SAID_COOKIE)
    return response


def bare(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page for somebody who is not signed in."""
    return respond(request, environment().get_template(template).render(visit=None, said=None, **values), status)


def respond(request: Request, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """HTML with the headers that every page carries, compressed where the browser takes it."""
    body = text.encode()
    sent = {**HEADERS, "Vary": "Accept-Encoding, HX-Request", **(headers or {})}
    if len(body) >= _SMALLEST_COMPRESSED and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, _COMPRESSION, mtime=0)
        sent["Content-Encoding"] = "gzip"
    return Response(body, status, sent, "text/html")


def go(visit: Visit, path: str, *, said: str | None = None) -> Response:
    """Send the browser on to a page after something was done.

    Args:
        path: of this server, with a leading slash.
        said: shown once on the next page.
    """
    headers = {"HX-Redirect": path} if visit.is_htmx else {"Location": path}
    response = Response(status_code=200 if visit.is_htmx else 303, headers={**headers, "Cache-Control": "no-store"})
    if said:
        response.set_cookie(_SAID_COOKIE, quote(said[:_LONGEST_SAID]), max_age=60, httponly=True, samesite="lax")
    return response


def toast(visit: Visit, text: str, *, tone: str = "good", status: int = 200) -> Response:
    """A short message in the corner, in answer to a request of htmx; the page stays as it is."""
    rendered = environment().get_template("_toast.html").render(text=text, tone=tone, hint=None, request_id=None)
    return respond(visit.request, rendered, status, {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"})


def attachment(name: str, content: str | AsyncIterator[bytes], media_type: str) -> Response:
    """A file to keep: written at once, or while it is read."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if isinstance(content, str):
        return Response(content, headers=headers, media_type=media_type)
    return StreamingResponse(content, headers=headers, media_type=media_type)


@cache
def environment() -> "jinja2.Environment":
    """The templates, which escape everything and stumble over every name that is not there."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("interlock.faces.dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
        auto_reload=False,
    )
    made.globals.update(asset=asset_url, navigation=NAVIGATION)
    made.filters.update(words.FILTERS)
    return made
