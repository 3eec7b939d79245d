"""ASGI middleware of the whole server: request ids, rate limits and their headers, host check, last-resort errors."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.faces.web.credentials import credential_in
from interlock.faces.web.errors import error_response, unexpected
from interlock.kit.errors import InterlockError, Kind, forbidden
from interlock.runtime.context import Runtime
from interlock.runtime.rate_limit import RateState, limiter_for
from interlock.runtime.secrets import hashed
from interlock.runtime.telemetry import bound_request

UNCOUNTED = frozenset({"/healthz", "/readyz"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "testserver"})


class Edge:
    """The outermost layer: everything that must hold for every request, whichever face answers it."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        request_id = _request_id(request.headers)
        scope["interlock.request_id"] = request_id
        rate: RateState | None = None
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(MutableHeaders(scope=message), request_id, rate)
            await send(message)

        with bound_request(request_id, request.method, scope["path"]):
            try:
                _check_host(request, self.runtime)
                rate = await self._count(request)
                if rate is not None and rate.exceeded:
                    raise _too_many(rate)
                await self.app(scope, receive, send_with_headers)
            except InterlockError as error:
                await error_response(error)(scope, receive, send_with_headers)
            except Exception as error:
                if started:
                    raise
                await error_response(unexpected(request, error))(scope, receive, send_with_headers)

    async def _count(self, request: Request) -> RateState | None:
        path = request.url.path
        if path in UNCOUNTED:
            return None
        settings = self.runtime.settings
        if path.startswith("/api/embed/"):
            subject, limit = f"embed:{client_address(request, self.runtime)}", settings.embed_rate_limit_per_minute
        else:
            credential = credential_in(request)
            owner = hashed(credential)[:32] if credential else client_address(request, self.runtime)
            subject, limit = f"api:{owner}", settings.rate_limit_per_minute
        return await limiter_for(self.runtime).hit(subject, limit)


def _too_many(state: RateState) -> InterlockError:
    return InterlockError(
        Kind.RATE_LIMITED,
        f"More than {state.limit} requests in a minute.",
        code="rate_limited",
        data={"limit": state.limit, "retry_after": state.retry_after},
        hint=f"Wait {state.retry_after} seconds.",
    )


def client_address(request: Request, runtime: Runtime) -> str:
    """Who connected; a forwarded address is believed only from a configured proxy."""
    peer = request.client.host if request.client else "unknown"
    proxies = runtime.settings.trusted_proxies
    forwarded = request.headers.get("x-forwarded-for")
    if not forwarded or not _inside(peer, proxies):
        return peer
    for address in reversed([part.strip() for part in forwarded.split(",")]):
        if not _inside(address, proxies):
            return address
    return peer


def _inside(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks if network.version == parsed.version)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _add_headers(headers: MutableHeaders, request_id: str, rate: RateState | None) -> None:
    headers["X-Request-Id"] = request_id
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if rate is not None:
        headers["X-RateLimit-Limit"] = str(rate.limit)
        headers["X-RateLimit-Remaining"] = str(rate.remaining)
        headers["X-RateLimit-Reset"] = str(rate.reset_epoch_seconds)


def _check_host(request: Request, runtime: Runtime) -> None:
    """Refuse a browser page of another site that reached a local server through its own name (DNS rebinding)."""
    settings = runtime.settings
    host = request.headers.get("host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    allowed = {*_LOCAL_NAMES, *settings.allowed_hosts, settings.host}
    if settings.public_url:
        allowed.add(urlsplit(settings.public_url).hostname or "")
    local_only = settings.host in {"127.0.0.1", "localhost", "::1"}
    if local_only and name.lower() not in allowed and not name.lower().endswith(".localhost"):
        raise forbidden(
            f"This server does not answer for the host name '{name[:100]}'.",
            hint="Add the name to INTERLOCK_ALLOWED_HOSTS.",
        )
