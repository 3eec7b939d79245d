"""An HTTP service that answers with what it was sent, and remembers it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Echo:
    """A running service; `/status/418` answers with that status, `/away` redirects, `/plain` answers in text."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Remember the request and answer by its path."""
        body = await request.text()
        query = {name: request.query.getall(name) for name in request.query}
        seen = {
            "method": request.method,
            "path": request.path,
            "query": query,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": body,
        }
        self.heard.append(seen)
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": "http://elsewhere.example.com/x"})
        if request.path == "/plain":
            return web.Response(text="just\x00text", headers={"Set-Cookie": "a=b", "ETag": '"1"'})
        if request.path == "/cut":
            assert request.transport is not None
            request.transport.close()
        if request.path == "/large":
            return web.Response(text="x" * 1_000_001)
        status = int(request.path.removeprefix("/status/")) if request.path.startswith("/status/") else 200
        return web.json_response({"method": request.method, "query": query, "body": body}, status=status)


@asynccontextmanager
async def echoing() -> AsyncIterator[Echo]:
    """The service on a free port of this machine."""
    echo = Echo()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    echo.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield echo
    finally:
        await runner.cleanup()
