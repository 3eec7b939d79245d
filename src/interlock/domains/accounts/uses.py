"""When keys and MCP clients were last used: noted in memory and written once a minute, so that no call writes for it.

A server that is killed loses the last minute of it.
"""

import asyncio
from datetime import datetime
from typing import Any, TypeVar

import structlog

from interlock.domains.accounts.repository import add_uses, uses_of
from interlock.domains.accounts.views import ApiKey, McpClient
from interlock.kit.ids import TypedId
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, Runtime, WorkspaceId

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 60.0
UsedT = TypeVar("UsedT", ApiKey, McpClient)


class Uses:
    """What this process has not written yet."""

    def __init__(self) -> None:
        self.latest: dict[TypedId, tuple[WorkspaceId, datetime]] = {}
        self.task: asyncio.Task[None] | None = None


def note(ctx: Ctx, credential: TypedId | None, workspace_id: WorkspaceId) -> None:
    """A credential was accepted just now."""
    if credential is None:
        return
    uses = ctx.runtime.local(Uses)
    uses.latest[credential] = (workspace_id, ctx.now)
    if uses.task is None or uses.task.done():
        uses.task = asyncio.create_task(_write_soon(ctx.runtime), name="uses of credentials")


async def with_uses(ctx: Ctx, credentials: tuple[UsedT, ...]) -> tuple[UsedT, ...]:
    """The same, each with when it was last used."""
    written = await uses_of(ctx, [each.id for each in credentials])
    latest = ctx.runtime.local(Uses).latest

    def used(key: TypedId) -> dict[str, Any]:
        known = [at for at in (written.get(key), latest[key][1] if key in latest else None) if at is not None]
        return {"last_used_at": max(known, default=None)}

    return tuple(each.model_copy(update=used(each.id)) for each in credentials)


async def write(runtime: Runtime) -> None:
    """Write what was noted."""
    uses = runtime.local(Uses)
    latest, uses.latest = uses.latest, {}
    if latest:
        root = Ctx(runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="uses", face="jobs")
        async with root.begin() as unit:
            await add_uses(unit, latest)


async def shut_down(runtime: Runtime) -> None:
    """Write what is left; main.py calls it once at the end."""
    task = runtime.local(Uses).task
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
    await write(runtime)


async def _write_soon(runtime: Runtime) -> None:
    await asyncio.sleep(_EVERY_SECONDS)
    try:
        await write(runtime)
    except Exception as error:
        log.warning("when credentials were last used could not be written; the last minute is lost", exc_info=error)
