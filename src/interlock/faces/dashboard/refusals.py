"""Errors as people see them: a page, a message in the corner, or the way to the sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.faces.dashboard.render import bare, environment, html, respond
from interlock.faces.dashboard.visits import Visit, visited
from interlock.faces.web.errors import STATUS, error_response, unexpected
from interlock.faces.web.errors import http_exception as json_http_exception
from interlock.kit.errors import InterlockError, Kind

_HEADINGS = {
    Kind.NOT_FOUND: "This is not here",
    Kind.FORBIDDEN: "You may not do this",
    Kind.CONFLICT: "This was changed, or cannot be done now",
    Kind.INVALID: "Something in the form is not right",
    Kind.MALFORMED: "The server could not read this",
    Kind.BUDGET_EXCEEDED: "The budget does not allow it",
    Kind.RATE_LIMITED: "Too many requests",
    Kind.UNAVAILABLE: "This does not work at the moment",
    Kind.UPSTREAM: "Another system failed",
    Kind.UPSTREAM_TIMEOUT: "Another system did not answer in time",
    Kind.UNAUTHENTICATED: "You are not signed in",
    Kind.TOO_LARGE: "This is too large",
    Kind.INTERNAL: "Something went wrong",
}
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with a form that was sent.

    Args:
        fields: by field name.
        notice: what is wrong with the whole; None where the fields say everything.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    notice: str | None = None

    def __bool__(self) -> bool:
        return bool(self.fields or self.notice)

    def of(self, name: str) -> str | None:
        """What is wrong with a field, or with a part of it."""
        found = self.fields.get(name)
        if found is not None:
            return found
        return next((text for key, text in self.fields.items() if key.startswith(f"{name}.")), None)


def problems_of(error: InterlockError) -> Problems:
    """The error's findings, field by field; an error that no form can mend is raised again."""
    if error.kind in {Kind.UNAUTHENTICATED, Kind.INTERNAL, Kind.NOT_FOUND}:
        raise error
    found = [problem for problem in error.data.get("problems", ()) if "field" in problem]
    fields = {str(problem["field"]): str(problem["problem"]) for problem in found}
    whole = fields.pop("", None)  # what two fields say together belongs to neither
    named = error.data.get("field")
    hint = f" {error.hint}" if error.hint else ""
    if not fields and whole is None and isinstance(named, str) and named:
        fields = {named: error.message + hint}
    return Problems(fields, whole if fields or whole else error.message + hint)


def refusal(request: Request, visit: Visit | None, error: InterlockError) -> Response:
    """The reply to a request that failed."""
    wants_part = request.headers.get("hx-request") == "true"
    if error.kind is Kind.UNAUTHENTICATED and visit is None:
        if wants_part:
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        return sign_in_page(request, status=401)
    facts = {
        "heading": _HEADINGS[error.kind],
        "text": error.message,
        "hint": error.hint,
        "request_id": request.scope["interlock.request_id"],
    }
    status = STATUS[error.kind]
    if wants_part:
        rendered = environment().get_template("_toast.html").render(tone="bad", **facts)
        return respond(request, rendered, status, {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"})
    if visit is None:
        return bare(request, "refused_bare.html", status=status, **facts)
    return html(visit, "refused.html", status=status, **facts)


def sign_in_page(
    request: Request, *, status: int = 200, email: str = "", problem: str | None = None, onward: str | None = None
) -> Response:
    """The page to sign in on, in the place of the page that was asked for."""
    if onward is None:
        query = request.url.query
        onward = request.url.path + (f"?{query}" if query else "") if request.method == "GET" else "/"
    return bare(request, "account/sign_in.html", status=status, email=email, problem=problem, onward=onward)


async def http_exception(request: Request, error: Exception) -> Response:
    """What the router refuses (no such path, wrong method): a page for a browser, JSON for everybody else."""
    if (
        request.method != "GET"
        or not _is_browser(request)
        or not isinstance(error, HTTPException)
        or error.status_code != STATUS[Kind.NOT_FOUND]
    ):
        return await json_http_exception(request, error)
    try:
        visit = await visited(request)
    except InterlockError:
        visit = None
    here = request.url.path[:_SHOWN]
    missing = InterlockError(
        Kind.NOT_FOUND, f"There is no page at '{here}'.", hint="It may have been moved or removed."
    )
    return refusal(request, visit, missing)


async def unexpected_response(request: Request, error: Exception) -> Response:
    """A programming error: a page or a message for a browser, JSON for everybody else; the id leads to the log."""
    told = unexpected(request, error)
    return refusal(request, None, told) if _is_browser(request) else error_response(told)


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") or request.headers.get("hx-request") == "true"
