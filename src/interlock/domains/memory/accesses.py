"""Notes what is read, found and put into prompts: in memory first, then many at once, so that reading writes nothing.

A server that is killed loses the counts and the recalls of its last second.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog

from interlock.domains.memory.repository import add_recalls, count_accesses
from interlock.domains.memory.states import RecallPurpose
from interlock.domains.memory.views import Memory, Occasion, Why
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, Runtime, WorkspaceId

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 1.0
_MOST_WAITING = 10_000
"""Recalls that wait to be written at most; beyond, the history has a gap, but no counts are lost."""
_QUESTION = 300


class Accesses:
    """The counts and recalls of this process that are not written yet."""

    def __init__(self) -> None:
        self.recalls: list[dict[str, Any]] = []
        self.left_out = 0
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


def note_recalls(
    ctx: Ctx,
    found: Sequence[tuple[Memory, float, Why]],
    *,
    purpose: RecallPurpose,
    question: str,
    filters: Sequence[Sequence[str]],
    occasion: Occasion | None = None,
) -> None:
    """Count an access to each, and keep why it was found.

    Args:
        found: what was found or used together, best first, with score and reasons.
        filters: the labels that were asked for.
    """
    accesses, actor = ctx.runtime.local(Accesses), ctx.actor
    common = {
        "workspace_id": ctx.workspace_id,
        "at": ctx.now,
        "purpose": purpose,
        "actor": f"{actor.kind.value}:{actor.label or actor.id or ''}"[:300],
        "occasion": occasion.kind if occasion else None,
        "occasion_id": occasion.id if occasion else None,
        "question": question.replace("\x00", " ")[:_QUESTION].encode("utf-8", "replace").decode(),
        "filters": [list(group) for group in filters],
    }
    room = max(_MOST_WAITING - len(accesses.recalls), 0)
    accesses.left_out += max(len(found) - room, 0)
    for place, (memory, score, why) in enumerate(found[:room], start=1):
        reasons = why.model_dump(exclude={"fused"})
        accesses.recalls.append({**common, **reasons, "memory": memory.number, "place": place, "score": score})
    note(ctx, [memory.number for memory, _, _ in found])


def forget(ctx: Ctx, number: int) -> None:
    """Let what is deleted leave no question behind."""
    accesses = ctx.runtime.local(Accesses)
    accesses.recalls = [each for each in accesses.recalls if each["memory"] != number]


async def write(runtime: Runtime) -> None:
    """Write what waits now."""
    accesses = runtime.local(Accesses)
    counts, accesses.counts = accesses.counts, {}
    recalls, accesses.recalls = accesses.recalls, []
    if accesses.left_out:
        log.warning("some recalls of memories came too fast to be kept", left_out=accesses.left_out)
        accesses.left_out = 0
    if not counts:
        return
    root = Ctx(runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="memory", face="jobs")
    async with root.begin() as unit:
        await count_accesses(unit, counts)
        await add_recalls(unit, recalls)


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
        log.warning("accesses to memories could not be written and are lost", exc_info=error)
