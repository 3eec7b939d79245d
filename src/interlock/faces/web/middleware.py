"""ASGI middleware of the whole server: request ids, rate limits and their headers, host check, last-resort errors."""

import re
from collections import OrderedDict
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.faces.web import cors
from interlock.faces.web.addresses import client_address
from interlock.faces.web.credentials import PROVEN, SESSION_COOKIE, connection_token, credential_in
from interlock.faces.web.errors import error_response, unexpected
from interlock.kit.errors import InterlockError, Kind, forbidden
from interlock.runtime.context import Runtime
from interlock.runtime.rate_limit import RateState, limiter_for
from interlock.runtime.secrets import hashed
from interlock.runtime.settings import Settings
from interlock.runtime.telemetry import bound_request

UNCOUNTED = frozenset({"/healthz", "/readyz"})
ASSETS = "/assets/"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_SUBDOMAIN_OF_LOCALHOST = re.compile(r"([A-Za-z0-9-]+\.)+localhost", re.IGNORECASE)
_FORM_SUBMIT = re.compile(r"/api/v1/forms/[^/]+/submit")
_ANSWERED = 200
_MOST_PROVEN = 100_000
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Edge:
    """The outermost layer: everything that must hold for every request, whichever face answers it."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime
        self._names = _answered_names(runtime.settings)
        # Elsewhere supervisors ask for health by the machine's bare address.
        self._is_local = runtime.settings.host in _LOOPBACK
        # Credentials that were accepted lately; what was never accepted counts against its sender's address.
        self._proven: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        request_id = _request_id(request.headers)
        scope["interlock.request_id"] = request_id
        rate: RateState | None = None
        started = finished = False
        is_open = cors.is_open(scope["path"])

        async def send_with_headers(message: Message) -> None:
            nonlocal started, finished
            if message["type"] == "http.response.start":
                started = True
                self._remember(scope, message["status"])
                more = (*_headers(request_id, rate), *(cors.HEADERS if is_open else ()))
                message["headers"] = [*message.get("headers", ()), *more]
            elif message["type"] == "http.response.body":
                finished = not message.get("more_body", False)
            await send(message)

        with bound_request(request_id, request.method, scope["path"]):
            try:
                self._check_name(request)
                if is_open and request.method == "OPTIONS":
                    await cors.preflight()(scope, receive, send_with_headers)
                    return
                rate = await self._count(request)
                if rate is not None and rate.exceeded:
                    raise _too_many(rate)
                await self.app(scope, receive, send_with_headers)
            except InterlockError as error:
                await error_response(error)(scope, receive, send_with_headers)
            except Exception as error:
                if finished:  # the framework has answered and only passes the error on
                    return
                if started:
                    raise
                await error_response(unexpected(request, error))(scope, receive, send_with_headers)

    def _check_name(self, request: Request) -> None:
        """Refuse a request to a name this server does not answer for."""
        if self._names is not None and (self._is_local or request.scope["path"] not in UNCOUNTED):
            _check_host(request.headers.get("host", ""), self._names)

    async def _count(self, request: Request) -> RateState | None:
        path: str = request.scope["path"]
        if path in UNCOUNTED or path.startswith(ASSETS):
            return None
        settings, limiter = self.runtime.settings, limiter_for(self.runtime)
        if path.startswith(cors.EMBED_PREFIX) or _sends_a_form(request.method, path):
            subject, limit = f"embed:{client_address(request, self.runtime)}", settings.embed_rate_limit_per_minute
        elif path.startswith("/hooks/"):  # programs call here, many events a minute from one address
            subject, limit = f"hook:{client_address(request, self.runtime)}", settings.hook_rate_limit_per_minute
        else:
            credential = connection_token(path) or credential_in(request)
            limit = settings.rate_limit_per_minute
            if credential is None and (session := request.cookies.get(SESSION_COOKIE)):
                credential, limit = session, settings.dashboard_rate_limit_per_minute
            if credential is None:
                subject = f"api:{client_address(request, self.runtime)}"
            else:
                owner = hashed(credential)
                subject = f"api:{owner[:32]}"
                if owner not in self._proven:
                    guesses = await limiter.hit(f"guess:{client_address(request, self.runtime)}", limit)
                    if guesses.exceeded:
                        return guesses
        return await limiter.hit(subject, limit)

    def _remember(self, scope: Scope, status: int) -> None:
        """Note a credential that was accepted; the one unused for longest makes room."""
        owner: str | None = scope.get(PROVEN)
        if owner is None and status == _ANSWERED and (token := connection_token(scope["path"])) is not None:
            owner = hashed(token)
        if owner is None:
            return
        self._proven[owner] = None
        self._proven.move_to_end(owner)
        if len(self._proven) > _MOST_PROVEN:
            self._proven.popitem(last=False)


def _sends_a_form(method: str, path: str) -> bool:
    """Whether a request is one of those by which anybody may write, credential or not."""
    return method == "POST" and (path.startswith("/f/") or _FORM_SUBMIT.fullmatch(path) is not None)


def _too_many(state: RateState) -> InterlockError:
    return InterlockError(
        Kind.RATE_LIMITED,
        f"More than {state.limit} requests in a minute.",
        code="rate_limited",
        data={"limit": state.limit, "retry_after": state.retry_after},
        hint=f"Wait {state.retry_after} seconds.",
    )


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _headers(request_id: str, rate: RateState | None) -> list[tuple[bytes, bytes]]:
    """What every response carries."""
    headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
    if rate is not None:
        headers += [
            (b"x-ratelimit-limit", b"%d" % rate.limit),
            (b"x-ratelimit-remaining", b"%d" % rate.remaining),
            (b"x-ratelimit-reset", b"%d" % rate.reset_epoch_seconds),
        ]
    return headers


def _answered_names(settings: Settings) -> frozenset[str] | None:
    """The host names the server answers for; None where it is neither local nor told any, and every name will do."""
    if settings.host not in _LOOPBACK and not settings.allowed_hosts:
        return None
    public = {urlsplit(settings.public_url).hostname or ""} if settings.public_url else set()
    return frozenset({*_LOCAL_NAMES, *settings.allowed_hosts, settings.host, *public})


def _check_host(host: str, names: frozenset[str]) -> None:
    """Refuse a browser page of another site that reached a local server through its own name (DNS rebinding)."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name in names:
        return
    if name.lower() not in names and not _SUBDOMAIN_OF_LOCALHOST.fullmatch(name):
        raise forbidden(
            f"This server does not answer for the host name '{name[:100]}'.",
            hint="Add the name to INTERLOCK_ALLOWED_HOSTS.",
        )
