"""Counts what is read, found and put into prompts: in memory first, then many at once, so that reading writes nothing.

A server that is killed loses the counts of its last second.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import structlog

from interlock.domains.memory.repository import count_accesses
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, Runtime, WorkspaceId

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 1.0


class Accesses:
    """The counts of this process that are not written yet."""

    def __init__(self) -> None:
        self.counts: dict[tuple[WorkspaceId, int], tuple[int, datetime]] = {}
        self.task: asyncio.Task[None] | None = None


def note(ctx: Ctx, numbers: Iterable[int]) -> None:
    """Count an access to each of these."""
    accesses = ctx.runtime.local(Accesses)
    for number in numbers:
        key = (ctx.workspace_id, number)
        accesses.counts[key] = (accesses.counts.get(key, (0, ctx.now))[0] + 1, ctx.now)
    if accesses.counts and (accesses.task is None or accesses.task.done()):
        accesses.task = asyncio.create_task(_write_soon(ctx.runtime), name="memory accesses")


async def write(runtime: Runtime) -> None:
    """Write the counts now."""
    accesses = runtime.local(Accesses)
    counts, accesses.counts = accesses.counts, {}
    if not counts:
        return
    root = Ctx(runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="memory", face="jobs")
    async with root.begin() as unit:
        await count_accesses(unit, counts)


async def shut_down(runtime: Runtime) -> None:
    """Write what is left; main.py calls it once at the end."""
    accesses = runtime.local(Accesses)
    if accesses.task is not None:
        accesses.task.cancel()
        await asyncio.wait([accesses.task])
    await write(runtime)


async def _write_soon(runtime: Runtime) -> None:
    await asyncio.sleep(_EVERY_SECONDS)
    try:
        await write(runtime)
    except Exception as error:
        log.warning("counts of accesses to memories could not be written and are lost", exc_info=error)
