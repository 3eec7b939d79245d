"""`/f/{slug}`: shows a form and takes what is sent from it, form-encoded and without script."""

from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.domains.forms.errors import PAGE_EXPIRED
from interlock.domains.forms.service import page
from interlock.domains.forms.views import FormPage
from interlock.faces.rest.binding import FACE
from interlock.faces.web.body import check_text, read_body
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import visitor
from interlock.faces.web.errors import STATUS, error_response
from interlock.faces.web.form_page.render import Filled, content_policy, form_page, refusal_page, thanks_page
from interlock.kit.errors import InterlockError, Kind, malformed
from interlock.kit.operations import facts_of
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke

_MOST_BYTES = 2_000_000
_MOST_FIELDS = 300
_PATH = frozenset({"slug"})
_OWN = "_"
_GONE = ("This form is not here", "Its address may have changed, or it takes no answers at the moment.")
_SENT = (
    "These answers were sent already",
    "This page has been sent before with other answers, which were received. Open the form anew to send more.",
)


async def show(request: Request) -> Response:
    """The page to fill in."""
    try:
        _, form = await _opened(request)
    except InterlockError as error:
        return _refused(request, error)
    return _html(form_page(form, Filled()), 200, form)


async def _opened(request: Request) -> tuple[Ctx, FormPage]:
    command = command_of(page.OpenPage, {"slug": request.path_params["slug"]}, _PATH)
    ctx = await visitor(request, FACE, partial(page.owner_of_slug, command.slug))
    return ctx, await invoke(ctx, page.open_page, command)


async def take(request: Request) -> Response:
    """What a person has filled in: thanks, or the page again with its problems."""
    try:
        ctx, form = await _opened(request)
        sent = await _sent(request)
    except InterlockError as error:
        return _refused(request, error)
    token = sent.get("_token", "")
    answers = {name: value for name, value in sent.items() if not name.startswith(_OWN)}
    given = {"slug": form.slug, "answers": answers, "token": token, "trap": sent.get("_homepage", "")}
    try:
        await invoke(ctx, page.send_page, command_of(page.SendPage, given, _PATH))
    except InterlockError as error:
        if error.kind is Kind.INVALID and "problems" in error.data:
            problems = {problem["field"]: problem["problem"] for problem in error.data["problems"]}
            return _html(form_page(form, Filled(answers, problems, token=token)), STATUS[error.kind], form)
        if error.code == PAGE_EXPIRED or error.kind is Kind.TOO_LARGE:
            notice = f"{error.message} {error.hint or ''}"
            return _html(form_page(form, Filled(answers, notice=notice)), STATUS[error.kind], form)
        return _refused(request, error, form)
    return _html(thanks_page(form), 200, form)


async def _sent(request: Request) -> dict[str, str]:
    """The fields of a form-encoded body; of those that come twice the last."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise malformed(
            "The page takes form-encoded fields only.",
            hint="Send application/x-www-form-urlencoded, or JSON to /api/v1/forms/{id}/submit.",
        )
    raw = await read_body(request, _MOST_BYTES)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise malformed("The body is not form-encoded UTF-8, or has too many fields.") from error
    for name, value in pairs:
        check_text(name, "name")
        check_text(value, name[:100])
    return dict(pairs)


def _refused(request: Request, error: InterlockError, form: FormPage | None = None) -> Response:
    """A page for people; for programs the same error as everywhere else."""
    if "text/html" not in request.headers.get("accept", ""):
        return error_response(error)
    heading, words = _told(error)
    return _html(refusal_page(heading, words), STATUS[error.kind], form)


def _told(error: InterlockError) -> tuple[str, str]:
    """A refusal in words for a visitor."""
    if error.kind is Kind.NOT_FOUND:
        return _GONE
    if error.kind is Kind.CONFLICT:
        return _SENT
    return "This did not work", f"{error.message} {error.hint or ''}"


def _html(text: str, status: int, form: FormPage | None) -> Response:
    origins = form.embed_origins if form is not None else ()
    headers = {
        "Content-Security-Policy": content_policy(origins),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    if not origins:
        headers["X-Frame-Options"] = "DENY"
    return Response(text, status, headers, "text/html")


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of these routes."""
    slug = {"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}
    page_or_error = {
        "text/html": {"schema": {"type": "string"}},
        "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
    }
    refusals = {
        status: {"description": "error", "content": page_or_error}
        for status in ("400", "404", "409", "413", "422", "429", "500", "503")
    }
    done = {"200": {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}}
    body = {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
    item: dict[str, Any] = {}
    for method, function in (("get", page.open_page), ("post", page.send_page)):
        facts = facts_of(function)
        item[method] = {
            "operationId": f"{facts.name}.{method}",
            "summary": facts.summary,
            "tags": ["forms"],
            "parameters": [slug],
            "responses": dict(sorted((done | refusals).items())),
        }
    item["post"]["requestBody"] = {"required": True, "content": {"application/x-www-form-urlencoded": body}}
    return {"/f/{slug}": item}


ROUTES = (Route("/f/{slug}", show, methods=["GET"]), Route("/f/{slug}", take, methods=["POST"]))
