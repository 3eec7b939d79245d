"""The guarded pool in the shape of an httpx2 transport, for libraries that bring their own client code."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import aiohttp
import httpx2

from interlock.kit.errors import InterlockError, Kind

_CONNECT_SECONDS = 10.0
_UNTRUE_AFTER_DECOMPRESSION = frozenset({"content-encoding", "content-length", "transfer-encoding"})
OWN_HEADERS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te", "upgrade"}
)
"""Headers that the pool sets by itself; a caller's would split or smuggle messages."""


class Opened(Protocol):
    """An answer whose body has yet to be read."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """The decompressed body as it arrives."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


Open = Callable[[str, str, Mapping[str, str], bytes | None, aiohttp.ClientTimeout], Awaitable[Opened]]


class SdkTransport(httpx2.AsyncBaseTransport):
    """Carries httpx2 requests over the guarded pool, with errors that SDKs know how to treat."""

    def __init__(self, opener: Open, *, total: float) -> None:
        self._open = opener
        self._total = total

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request of a library."""
        phases: dict[str, float | None] = request.extensions.get("timeout", {})
        limits = aiohttp.ClientTimeout(
            total=self._total,
            sock_read=phases.get("read"),
            connect=min(phases.get("connect") or _CONNECT_SECONDS, _CONNECT_SECONDS),
        )
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
        body = await request.aread()
        with _in_sdk_words(request):
            opened = await self._open(request.method, str(request.url), headers, body or None, limits)
        kept = [item for item in opened.headers.items() if item[0].lower() not in _UNTRUE_AFTER_DECOMPRESSION]
        return httpx2.Response(opened.status, headers=kept, stream=_SdkBody(opened, request), request=request)


class _SdkBody(httpx2.AsyncByteStream):
    def __init__(self, opened: Opened, request: httpx2.Request) -> None:
        self._opened = opened
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _in_sdk_words(self._request):
            async for chunk in self._opened.chunks():
                yield chunk

    async def aclose(self) -> None:
        self._opened.close()


@contextmanager
def _in_sdk_words(request: httpx2.Request) -> Iterator[None]:
    """Failures that an SDK may retry become httpx2's; a refusal stays ours."""
    try:
        yield
    except InterlockError as error:
        if error.kind is Kind.UPSTREAM_TIMEOUT:
            raise httpx2.ReadTimeout(error.message, request=request) from error
        if error.code == "provider_unreachable":
            raise httpx2.ConnectError(error.message, request=request) from error
        if error.code == "provider_cut":
            raise httpx2.ReadError(error.message, request=request) from error
        raise
