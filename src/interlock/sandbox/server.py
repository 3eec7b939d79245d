"""Serves one ASGI application on a local port while a block runs, with a way to cut a connection unanswered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

ABORT_EXTENSION = "sandbox.abort"


class _CuttableProtocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        ways: dict[object, object] = {"now": self.transport.abort, "after_writing": self.transport.close}
        self.scope["extensions"] = {ABORT_EXTENSION: ways}


async def cut_connection(scope: Scope, receive: Receive, *, after_writing: bool = False) -> None:
    """Close the client's connection at once, or once what was sent so far is on its way."""
    scope["extensions"][ABORT_EXTENSION]["after_writing" if after_writing else "now"]()
    # The server must have seen the loss before the application returns, or it would try to answer with a 500.
    while (await receive())["type"] != "http.disconnect":
        continue


@contextlib.asynccontextmanager
async def listening(app: Any, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `app` on this event loop and yield its base URL; port 0 picks a free one."""
    # uvicorn's own Server takes over the process's signals and waits 100 ms at every stop: only its protocol is used.
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none", server_header=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _CuttableProtocol(config, state, {}), host, port)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in list(state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        pending = list(state.tasks)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await server.wait_closed()
