"""A visit: one request of a signed-in person, and all that a page's handler needs of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from starlette.requests import Request

from interlock.domains.accounts.service.identify import identify
from interlock.faces.dashboard import csrf
from interlock.faces.web.body import check_text, read_body
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import PROVEN, SESSION_COOKIE
from interlock.faces.web.multipart import is_form, received_form
from interlock.kit.errors import InterlockError, Kind, forbidden, malformed, unauthenticated
from interlock.runtime.context import ActorKind, Ctx, Runtime
from interlock.runtime.invoke import invoke
from interlock.runtime.secrets import hashed

CommandT = TypeVar("CommandT", bound=BaseModel)
ResultT = TypeVar("ResultT")

FACE = "dashboard"
CSRF_FIELD = "_csrf"
CSRF_HEADER = "x-csrf-token"
ZONE_COOKIE = "interlock_zone"
_MOST_BYTES = 5_000_000
_MOST_FIELDS = 5_000
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Visit:
    """One request of a signed-in person.

    Args:
        request: as it came.
        ctx: the person's context, without a unit of work.
        session: the secret of the sign-in; shown to nobody.
        began: the mark from which on the page has to be told of changes.
    """

    request: Request
    ctx: Ctx
    session: str
    began: str = ""

    async def call(self, operation: Callable[[Ctx, CommandT], Awaitable[ResultT]], command: CommandT) -> ResultT:
        """Run an operation as this person."""
        return await invoke(self.ctx, operation, command)

    def may(self, scope: str) -> bool:
        """Whether the person holds a scope: pages leave out what would be refused."""
        return bool({scope, "*"} & self.ctx.scopes)

    def path(self, name: str) -> str:
        """A part of the request's path."""
        value = str(self.request.path_params[name])
        check_text(value, name)
        return value

    @property
    def email(self) -> str:
        """Who it is."""
        return self.ctx.actor.label

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; of those that come twice the last. Empty ones, which forms send, are left out."""
        for name, value in self.request.query_params.multi_items():
            check_text(value, name)
        return {name: value for name, value in self.request.query_params.items() if value}

    @property
    def is_htmx(self) -> bool:
        """Whether a part of a page is asked for rather than a page."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def here(self) -> str:
        """The path and query of this request."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    @property
    def zone(self) -> ZoneInfo:
        """The viewer's time zone, as the browser told it; UTC until it has."""
        return zone_named(unquote(self.request.cookies.get(ZONE_COOKIE, "")))

    @cached_property
    def csrf(self) -> str:
        """The token that this page's forms send back."""
        return csrf.token_for(self.session)

    async def form_lists(self) -> dict[str, list[str]]:
        """The fields of the form that was sent, each with all its values; read once, files are left out."""
        found: dict[str, list[str]] | None = getattr(self.request.state, "form_lists", None)
        if found is None:
            found = await read_form(self.request)
            self.request.state.form_lists = found
        return found

    async def form(self) -> dict[str, str]:
        """The fields of the form that was sent; of those that come twice the last."""
        return {name: values[-1] for name, values in (await self.form_lists()).items() if name != CSRF_FIELD}

    def command(self, kind: type[CommandT], values: Mapping[str, Any], *in_path: str) -> CommandT:
        """The command of these values and of parts of the path; wrong ones raise an error that names the field."""
        places = {name: self.path(name) for name in in_path}
        return command_of(kind, {**values, **places}, frozenset(in_path))


def zone_named(name: str) -> ZoneInfo:
    """The time zone with this name; UTC where there is none."""
    try:
        return ZoneInfo(name) if name else _UTC
    except (KeyError, ValueError, OSError):  # unknown, malformed, and the name of a folder
        return _UTC


async def visited(request: Request) -> Visit:
    """The visit of whoever the session's cookie belongs to.

    Raises:
        InterlockError: unauthenticated when nobody is signed in, or no longer.
    """
    session = request.cookies.get(SESSION_COOKIE)
    if not session:
        raise unauthenticated("You are not signed in.")
    runtime: Runtime = request.app.state.runtime
    ctx = await identify(runtime, session, request_id=request.scope["interlock.request_id"], face=FACE)
    if ctx.actor.kind is not ActorKind.USER:
        raise unauthenticated("The dashboard takes the sign-in of a person.")
    request.scope[PROVEN] = hashed(session)
    return Visit(request, ctx, session, runtime.changes.mark())


async def still_signed_in(visit: Visit) -> bool:
    """Whether the sign-in that opened a stream still holds."""
    try:
        await visited(visit.request)
    except InterlockError as error:
        return error.kind is not Kind.UNAUTHENTICATED  # a database in trouble has signed nobody out
    return True


async def check_sent_here(visit: Visit) -> None:
    """Refuse what was not sent from one of our own pages."""
    request = visit.request
    given = request.headers.get(CSRF_HEADER) or request.query_params.get(CSRF_FIELD)
    if given is None and not is_form(request):
        given = (await visit.form_lists()).get(CSRF_FIELD, [""])[-1]
    if not csrf.is_from_here(request, visit.ctx.settings.base_url) or not csrf.is_token_of(visit.session, given or ""):
        raise forbidden(
            "This form was not sent from a page of yours, or the page is from before you signed in.",
            hint="Load the page again and repeat what you did.",
        )


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form, each with all its values."""
    if is_form(request):
        async with received_form(request, file_limit=_MOST_BYTES, total_limit=_MOST_BYTES, most_files=0) as form:
            return {name: [value] for name, value in form.fields.items()}
    raw = await read_body(request, _MOST_BYTES)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and kind != "application/x-www-form-urlencoded":
        raise malformed("The page takes the fields of a form.")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise malformed("The form is not UTF-8, or has too many fields.") from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        check_text(name, "name")
        check_text(value, name[:100])
        found.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return found
