"""The only way out: an HTTP client that refuses private addresses, redirects, floods and endless waits.

aiohttp does the work: 0.25 ms of CPU per call where httpx takes 1.5 (docs/decisions/0004-outbound-http.md). The address
is judged where the socket is made, so what was checked is what is connected to.
"""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
import httpx2
import orjson
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from interlock import __version__
from interlock.kit.errors import invalid
from interlock.runtime.addresses import refusal
from interlock.runtime.http_errors import in_our_words, redirected, refused, too_large, upstream
from interlock.runtime.http_sdk import OWN_HEADERS, SdkTransport
from interlock.runtime.settings import Settings
from interlock.runtime.unit_of_work import forbid_network_inside

log = structlog.get_logger(__name__)

Resolve = Callable[[str], Awaitable[Sequence[str]]]

_CONNECT_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 30.0
_CONNECTIONS = 1000
_LONGEST_LINE = 1_000_000
_LARGE_BODY = 1 << 20
_SDK_SECONDS = 600.0
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole answer; `headers` is case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    origin: str = ""

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """The body as UTF-8, with a mark where it is not."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The parsed body; raises UPSTREAM when it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise upstream(
                f"{self.origin} answered {self.status} with something that is not JSON.",
                "provider_bad_response",
                self.origin,
                status=self.status,
            ) from error


class HttpStream:
    """An answer whose body arrives piece by piece; read it once, by `chunks`, `lines` or `read`."""

    def __init__(self, response: aiohttp.ClientResponse, origin: str, max_bytes: int) -> None:
        self._response = response
        self._origin = origin
        self._max_bytes = max_bytes
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, decompressed.

        Raises:
            InterlockError: silence for longer than the idle timeout, a cut, or more bytes than allowed.
        """
        total = 0
        while True:
            forbid_network_inside()
            with in_our_words(self._origin):
                chunk = await self._response.content.readany()
            if not chunk:
                return
            total += len(chunk)
            if total > self._max_bytes:
                raise too_large(self._origin, self._max_bytes)
            yield chunk

    async def lines(self) -> AsyncIterator[str]:
        """The body line by line, without line ends, as server-sent events are read."""
        buffer = bytearray()
        async for chunk in self.chunks():
            *whole, rest = chunk.split(b"\n")
            for part in whole:
                buffer += part
                yield buffer.removesuffix(b"\r").decode("utf-8", "replace")
                buffer.clear()
            buffer += rest
            if len(buffer) > _LONGEST_LINE:
                raise upstream(
                    f"{self._origin} sent a line longer than {_LONGEST_LINE} bytes.",
                    "provider_bad_response",
                    self._origin,
                )
        if buffer:
            yield buffer.decode("utf-8", "replace")

    async def read(self) -> bytes:
        """All that remains, as for the body of an error."""
        return b"".join([chunk async for chunk in self.chunks()])

    def close(self) -> None:
        """Let go of the connection; it is used again only when the whole body has been read."""
        self._response.close()


class GuardedHttp:
    """Outbound HTTP with one pool of kept-alive connections per kind of permission.

    Args:
        settings: the networks that are open, and the default limits.
        resolve: turns a host name into numeric addresses; the system's resolver by default.
    """

    def __init__(self, settings: Settings, *, resolve: Resolve | None = None) -> None:
        self._settings = settings
        self._resolve = resolve or _system_resolve
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
        allow_private: bool = False,
    ) -> HttpReply:
        """Send a request and return the whole answer, whatever its status.

        Args:
            json: a value sent as JSON; `data` is sent as a form, `content` as it is. At most one of the three.
            timeout: seconds for everything, from looking up the name to the last byte.
            max_bytes: the most that the body may be, after decompression.
            allow_private: opens loopback and private networks to this call; only for URLs that the operator configured,
                never for one that a caller or an agent chose.

        Raises:
            InterlockError: refused address, no connection, cut, timeout, redirect, or too large an answer.
        """
        forbid_network_inside()
        target = _target(url)
        body, sent = _prepared(headers, json, data, content)
        seconds = self._settings.http_timeout_seconds if timeout is None else timeout
        limit = self._settings.http_max_response_bytes if max_bytes is None else max_bytes
        limits = aiohttp.ClientTimeout(total=seconds, connect=min(seconds, _CONNECT_SECONDS))
        response = await self._send(_method(method), target, sent, body, limits, allow_private=allow_private)
        try:
            whole = await _read(response, target.origin, limit)
        except BaseException:
            response.close()
            raise
        return HttpReply(response.status, response.headers, whole, target.origin)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        max_bytes: int | None = None,
        allow_private: bool = False,
    ) -> AsyncIterator[HttpStream]:
        """Send a request and read its answer as it arrives; arguments as for `request`.

        Args:
            timeout: seconds for everything; none by default.
            idle_timeout: the longest silence, before the first byte and between two.
        """
        forbid_network_inside()
        target = _target(url)
        body, sent = _prepared(headers, json, data, content)
        idle = self._settings.http_timeout_seconds if idle_timeout is None else idle_timeout
        limits = aiohttp.ClientTimeout(total=timeout, sock_read=idle, connect=min(idle, _CONNECT_SECONDS))
        response = await self._send(_method(method), target, sent, body, limits, allow_private=allow_private)
        try:
            yield HttpStream(response, target.origin, max_bytes or self._settings.http_max_response_bytes)
        finally:
            response.close()

    def client_for_sdk(self, *, timeout: float = _SDK_SECONDS, allow_private: bool = False) -> httpx2.AsyncClient:
        """An httpx2 client for libraries that want one (openai, anthropic, google-genai), behind the same guard.

        An SDK wraps what the guard raises into its own connection error; `cause_of` finds it again.

        Args:
            timeout: seconds for one whole call, and the longest silence inside it.
            allow_private: as for `request`.
        """
        return httpx2.AsyncClient(
            transport=SdkTransport(partial(self._open, allow_private=allow_private), total=timeout),
            timeout=httpx2.Timeout(timeout, connect=_CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()

    async def _open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        limits: aiohttp.ClientTimeout,
        *,
        allow_private: bool,
    ) -> HttpStream:
        forbid_network_inside()
        target = _target(url)
        response = await self._send(_method(method), target, headers, body, limits, allow_private=allow_private)
        return HttpStream(response, target.origin, self._settings.http_max_response_bytes)

    async def _send(
        self,
        method: str,
        target: "_Target",
        headers: Mapping[str, str],
        body: bytes | None,
        limits: aiohttp.ClientTimeout,
        *,
        allow_private: bool,
    ) -> aiohttp.ClientResponse:
        session = self._sessions.get(allow_private) or self._open_session(allow_private)
        with in_our_words(target.origin):
            response = await session.request(
                method, target.url, headers=headers, data=_payload(body), timeout=limits, allow_redirects=False
            )
        if response.status in _REDIRECTS and "Location" in response.headers:
            response.close()
            raise redirected(target.origin, response)
        return response

    def _open_session(self, allow_private: bool) -> aiohttp.ClientSession:
        """A pool of its own per permission: a connection that one call may use must not serve a call that may not."""

        def check(host: str, address: str) -> None:
            reason = refusal(address, self._settings.http_allow_private, allow_private=allow_private)
            if reason is not None:
                log.warning("outbound address refused", host=host, address=address, reason=reason)
                raise refused(host, reason)

        def open_socket(info: "aiohttp.connector.AddrInfoType") -> socket.socket:
            check(str(info[4][0]), str(info[4][0]))
            return socket.socket(info[0], info[1], info[2])

        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(self._resolve, check),
            socket_factory=open_socket,
            limit=_CONNECTIONS,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"interlock/{__version__}", "Accept-Encoding": "gzip, deflate"},
            skip_auto_headers=("Content-Type",),
            trust_env=False,
        )
        self._sessions[allow_private] = session
        return session


class _Target(NamedTuple):
    url: URL
    origin: str


@lru_cache(maxsize=512)
def _target(text: str) -> _Target:
    """The URL, parsed and found fit to be called. `origin` is all of it that may be told: paths carry tokens too."""
    if any(char < " " for char in text):
        raise invalid("The URL contains a control character.", field="url")
    try:
        url = URL(text)
        host = url.host
        origin = str(url.origin()) if host else ""
    except ValueError:
        raise invalid("The URL cannot be read.", field="url", hint="Give an absolute http or https URL.") from None
    if url.scheme not in {"http", "https"} or not host:
        raise invalid("The URL must start with http:// or https:// and name a host.", field="url")
    if url.user is not None or url.password is not None:
        raise invalid(
            "The URL carries a user name or password.", field="url", hint="Send credentials in a header instead."
        )
    return _Target(url, origin)


def _method(method: str) -> str:
    upper = method.upper()
    if upper not in _METHODS:
        raise invalid(f"The method must be one of {', '.join(sorted(_METHODS))}.", field="method")
    return upper


def _prepared(
    headers: Mapping[str, str] | None, json: Any, data: Mapping[str, str] | None, content: bytes | None
) -> tuple[bytes | None, Mapping[str, str]]:
    """The body's bytes and the headers that go with them."""
    if (json is not None) + (data is not None) + (content is not None) > 1:
        raise ValueError("give one of json, data and content")
    sent = dict(headers or {})
    names = {name.lower() for name in sent}
    for name, value in sent.items():
        if any(char in "\r\n\0" for char in name + value):
            raise invalid("A header contains a line break.", field="headers")
    if not names.isdisjoint(OWN_HEADERS):
        name = min(names & OWN_HEADERS)
        raise invalid(f"The header '{name}' is set by the server itself.", field="headers", hint=f"Leave '{name}' out.")
    if json is not None:
        kind, content = "application/json", orjson.dumps(json)
    elif data is not None:
        kind, content = "application/x-www-form-urlencoded", urlencode(data).encode()
    else:
        return content, sent
    if "content-type" not in names:
        sent["Content-Type"] = kind
    return content, sent


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body goes out in pieces, so that other connections get their turn meanwhile."""
    return io.BytesIO(body) if body is not None and len(body) > _LARGE_BODY else body


async def _read(response: aiohttp.ClientResponse, origin: str, limit: int) -> bytes:
    declared = response.content_length
    if declared is not None and declared > limit and response.method != "HEAD":
        raise too_large(origin, limit)
    chunks: list[bytes] = []
    total = 0
    with in_our_words(origin):
        while chunk := await response.content.readany():
            total += len(chunk)
            if total > limit:
                raise too_large(origin, limit)
            chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class _CheckedResolver(AbstractResolver):
    """Looks a name up and refuses it whole when any of its addresses is refused."""

    def __init__(self, resolve: Resolve, check: Callable[[str, str], None]) -> None:
        self._resolve = resolve
        self._check = check

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host, each fit to be connected to."""
        found: list[ResolveResult] = []
        for address in await self._resolve(host):
            self._check(host, address)
            version = socket.AF_INET6 if ip_address(address.partition("%")[0]).version == 6 else socket.AF_INET
            found.append(
                ResolveResult(
                    hostname=host, host=address, port=port, family=version, proto=0, flags=socket.AI_NUMERICHOST
                )
            )
        if not found:
            raise OSError(None, "the name has no address")
        return found

    async def close(self) -> None:
        """Nothing is held."""


async def _system_resolve(host: str) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
