"""The composition root, the only file that knows everyone: runtime, HTTP application and command line."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from interlock.domains.accounts import gates
from interlock.domains.accounts.service import first_start
from interlock.domains.accounts.service.identify import anonymous
from interlock.domains.activity import service as activity
from interlock.domains.agents import service as agents
from interlock.faces.rest import app as rest
from interlock.faces.web.errors import http_exception
from interlock.faces.web.middleware import Edge
from interlock.kit.clock import SystemClock
from interlock.runtime import data_dir, migrations
from interlock.runtime.context import Runtime
from interlock.runtime.database import open_database
from interlock.runtime.durable.embedded import EmbeddedDurable
from interlock.runtime.events import Streams
from interlock.runtime.http import GuardedHttp
from interlock.runtime.jobs import Jobs
from interlock.runtime.secrets import load_secrets
from interlock.runtime.settings import Settings

DOMAINS = (activity, agents)
FIRST_KEY_FILE = "first-key"


def build_runtime(settings: Settings) -> Runtime:
    """The machinery of one process, wired but not started."""
    jobs = Jobs()
    return Runtime(
        settings=settings,
        database=open_database(settings),
        secrets=load_secrets(
            settings.data_dir, settings.master_key.get_secret_value() if settings.master_key else None
        ),
        clock=SystemClock(),
        streams=Streams(settings.database_url if settings.is_postgres else None),
        jobs=jobs,
        durable=EmbeddedDurable(),
        http=GuardedHttp(settings),
        gates=(gates.known_caller, gates.scope_held, gates.ai_access),
        audit=activity.write_audit_row,
    )


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Runtime]:
    """A started server process: database at its newest schema, jobs and durable runs at work."""
    with data_dir.held(settings):
        await asyncio.to_thread(migrations.upgrade, settings)
        runtime = build_runtime(settings)
        await runtime.streams.start()
        await runtime.durable.start_up(runtime)
        worker = asyncio.create_task(runtime.jobs.run(runtime))
        try:
            yield runtime
        finally:
            await runtime.durable.shut_down()
            await runtime.jobs.stop()
            await worker
            await runtime.streams.close()
            await runtime.http.close()
            await runtime.database.close()


async def first_key(runtime: Runtime) -> str | None:
    """At the first start of all, the fresh key, written to `<data-dir>/first-key`; else None."""
    async with anonymous(runtime, request_id="first-start", face="cli").begin() as ctx:
        key = await first_start.found(ctx, workspace_name="default", owner_name="Owner")
    if key is None:
        return None
    _write_private(runtime.settings.data_dir / FIRST_KEY_FILE, key.secret)
    return key.secret


def _write_private(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content + "\n")


def create_app(runtime: Runtime) -> ASGIApp:
    """The HTTP application over a started runtime."""
    inner = Starlette(routes=rest.routes(), exception_handlers={HTTPException: http_exception})
    inner.state.runtime = runtime
    return Edge(inner, runtime)
