"""What the command line needs from the composition root, which hands it over: faces never import `main`."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from interlock.runtime.context import Runtime
from interlock.runtime.settings import Settings

OpenRuntime = Callable[[Settings], AbstractAsyncContextManager[Runtime]]


@dataclass(frozen=True, slots=True)
class Composition:
    """The parts of a server, ready to be put together.

    Args:
        running: a started server process: newest schema, lock held, jobs and durable runs at work.
        maintenance: the same database for one command, beside a running server: no lock, no jobs.
        create_app: the HTTP application over a started runtime.
        first_key: the fresh key at the first start of all, else None.
        setup_code: what the owner's first visit to the dashboard needs; None once there is a password.
        openapi: the OpenAPI document for a server URL.
        mcp_stdio: serves MCP on stdin and stdout for the holder of a bearer until stdin closes.
    """

    running: OpenRuntime
    maintenance: OpenRuntime
    create_app: Callable[[Runtime], ASGIApp]
    first_key: Callable[[Runtime], Awaitable[str | None]]
    setup_code: Callable[[Runtime], Awaitable[str | None]]
    openapi: Callable[[str], dict[str, Any]]
    mcp_stdio: Callable[[Runtime, str], Awaitable[None]]
