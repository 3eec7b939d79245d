"""Signing in and out, and the first start of a server, when its owner chooses a password."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.domains.accounts.service import claiming, people
from interlock.domains.accounts.service.identify import anonymous
from interlock.domains.accounts.views import SignedIn
from interlock.faces.dashboard.csrf import is_from_here
from interlock.faces.dashboard.refusals import Problems, problems_of, refusal, sign_in_page
from interlock.faces.dashboard.render import bare, go
from interlock.faces.dashboard.routing import action
from interlock.faces.dashboard.visits import FACE, Visit, read_form
from interlock.faces.web.addresses import client_address
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import SESSION_COOKIE
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import InterlockError, Kind, forbidden
from interlock.runtime.context import Ctx, Runtime
from interlock.runtime.invoke import invoke


async def sign_in(request: Request) -> Response:
    """Take an e-mail address and a password; the sign-in goes into a cookie that no script can read."""
    try:
        ctx, sent = await _stranger(request)
    except InterlockError as error:
        return refusal(request, None, error)
    onward, email = _local(sent.get("onward", "/")), sent.get("email", "")
    try:
        command = command_of(people.SignIn, {"email": email, "password": sent.get("password", "")})
        signed = await invoke(ctx, people.sign_in, command)
    except InterlockError as error:
        hint = f" {error.hint}" if error.hint else ""
        words = "Type your e-mail address and your password." if error.kind is Kind.INVALID else error.message + hint
        return sign_in_page(request, status=STATUS[error.kind], email=email, problem=words, onward=onward)
    return _welcomed(request, signed, onward)


async def sign_out(visit: Visit) -> Response:
    """End the sign-in."""
    await visit.call(people.sign_out, people.SignOut.model_validate({"token": visit.session}))
    response = go(visit, "/")
    response.delete_cookie(SESSION_COOKIE)
    return response


async def start(request: Request) -> Response:
    """The page of a first start: the owner's name, address and password."""
    ctx = _anonymous(request)
    try:
        is_open = await invoke(ctx, claiming.is_claimable, command_of(claiming.SetupCode, _code(request)))
    except InterlockError as error:
        return refusal(request, None, error)
    return _start_page(request, code=request.query_params.get("code", ""), is_open=is_open)


async def claim(request: Request) -> Response:
    """Make the person who holds the code of the first start its owner, and sign them in."""
    sent: dict[str, str] = {}
    try:
        ctx, sent = await _stranger(request)
        given = {name: sent.get(name, "") for name in ("code", "email", "name", "password")}
        signed = await invoke(ctx, claiming.claim, command_of(claiming.ClaimServer, given))
    except InterlockError as error:
        if error.kind not in {Kind.INVALID, Kind.FORBIDDEN}:
            return refusal(request, None, error)
        problems = problems_of(error)
        shown = {"code": sent.get("code", ""), "email": sent.get("email", ""), "name": sent.get("name", "")}
        return _start_page(request, is_open=True, status=STATUS[error.kind], problems=problems, **shown)
    return _welcomed(request, signed, "/")


def _start_page(
    request: Request,
    *,
    code: str,
    is_open: bool,
    status: int = 200,
    email: str = "",
    name: str = "",
    problems: Problems | None = None,
) -> Response:
    values = {"code": code, "is_open": is_open, "email": email, "name": name, "problems": problems or Problems()}
    return bare(request, "account/start.html", status=status, **values)


def _code(request: Request) -> dict[str, str]:
    return {"code": request.query_params.get("code", "")}


def _anonymous(request: Request) -> Ctx:
    runtime: Runtime = request.app.state.runtime
    address = client_address(request, runtime)
    return anonymous(runtime, request_id=request.scope["interlock.request_id"], face=FACE, source=address)


async def _stranger(request: Request) -> tuple[Ctx, dict[str, str]]:
    """The context of somebody who is not signed in, and what they sent from one of our pages."""
    ctx = _anonymous(request)
    if not is_from_here(request, ctx.settings.base_url):
        raise forbidden("This form was sent from another site.", hint="Open the dashboard and sign in there.")
    return ctx, {name: values[-1] for name, values in (await read_form(request)).items()}


def _local(path: str) -> str:
    """A path of this server; anything else is the home page."""
    parts = urlsplit(path)
    is_here = not parts.scheme and not parts.netloc and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_here and path.isprintable() else "/"


def _welcomed(request: Request, signed: SignedIn, onward: str) -> Response:
    runtime: Runtime = request.app.state.runtime
    is_secure = request.url.scheme == "https" or runtime.settings.base_url.startswith("https://")
    response = Response(status_code=303, headers={"Location": onward, "Cache-Control": "no-store"})
    response.set_cookie(
        SESSION_COOKIE, signed.token, expires=signed.expires_at, httponly=True, secure=is_secure, samesite="lax"
    )
    return response


ROUTES = (
    Route("/sign-in", sign_in, methods=["POST"], name="dashboard.sign_in"),
    action("/sign-out", sign_out),
    Route("/start", start, methods=["GET"], name="dashboard.start"),
    Route("/start", claim, methods=["POST"], name="dashboard.claim"),
)
