"""Forgetting: what has expired, and what mattered little and was not used for half a year, leaves active use.

A memory is archived, never deleted: it is found by no search and put into no prompt, and an update brings it back.
Never forgotten: what is pinned. Unused for half a year means neither read, found nor put into a prompt since then, or
since it was made; mattered little means an importance of at most 3. What an identity is made of does not fade.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from interlock.domains.memory import index
from interlock.domains.memory.repository import FORGOTTEN_AT_ONCE, Memories, fading
from interlock.domains.memory.states import MemoryType
from interlock.domains.memory.views import Memory
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

FORGET = "memory.forget"
FADES_AFTER = timedelta(days=180)
FADING_IMPORTANCE = 3


def forget_at(memory: Memory) -> datetime | None:
    """When a memory is to be forgotten if nothing happens to it before; None for never."""
    if memory.pinned or memory.archived:
        return None
    fades = memory.importance <= FADING_IMPORTANCE and memory.type is not MemoryType.IDENTITY
    faded = (memory.last_accessed_at or memory.created_at) + FADES_AFTER if fades else None
    return min((moment for moment in (memory.expires_at, faded) if moment is not None), default=None)


async def forget(ctx: Ctx) -> None:
    """Archive what is due, of every workspace; what was used since it was last looked at gets a new date."""
    looked_at = FORGOTTEN_AT_ONCE
    while looked_at == FORGOTTEN_AT_ONCE:  # in between, others may write
        async with ctx.begin() as unit:
            due = list(await fading(unit))
            for workspace_id, memory in due:
                mine = replace(unit, workspace_id=workspace_id)
                moment = forget_at(memory)
                if moment is not None and moment > ctx.now:
                    await Memories(mine).change(memory.id, {"forget_at": moment})
                else:
                    await Memories(mine).change(memory.id, {"archived": moment is not None, "forget_at": None})
                    await index.show(mine, memory.model_copy(update={"archived": moment is not None}))
        looked_at = len(due)


def register(jobs: Jobs) -> None:
    """Wire the daily forgetting; called once by the composition root."""
    daily.register(jobs, FORGET, forget)
