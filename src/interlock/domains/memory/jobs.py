"""The daily forgetting of memories and of why they were recalled, and the job that makes vectors."""

from dataclasses import replace
from datetime import timedelta

from interlock.domains.llm import service as llm
from interlock.domains.memory import index, repository
from interlock.domains.memory.forgetting import forget_at
from interlock.domains.memory.repository import Memories
from interlock.domains.memory.views import Memory
from interlock.runtime import daily
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

FORGET = "memory.forget"
RECALLS_KEPT = timedelta(days=30)


async def forget(ctx: Ctx) -> None:
    """Archive what is due, of every workspace; what was used since it was last looked at gets a new date."""
    looked_at = repository.FORGOTTEN_AT_ONCE
    while looked_at == repository.FORGOTTEN_AT_ONCE:  # in between, others may write
        async with ctx.begin() as unit:
            due = await repository.fading(unit)
            for workspace_id, memory in due:
                await _look_at(replace(unit, workspace_id=workspace_id), memory)
        looked_at = len(due)
    has_more = True
    while has_more:
        async with ctx.begin() as unit:
            has_more = await repository.purge_recalls(unit, ctx.now - RECALLS_KEPT)


async def _look_at(ctx: Ctx, memory: Memory) -> None:
    moment = forget_at(memory)
    if moment is None or moment > ctx.now:
        await Memories(ctx).change(memory.id, {"forget_at": moment})
        return
    archived = await Memories(ctx).change(memory.id, {"archived": True, "forget_at": None})
    await index.show(ctx, archived)


def register(jobs: Jobs) -> None:
    """Wire both; called once by the composition root."""
    daily.register(jobs, FORGET, forget)
    index.MEMORIES.register(jobs, llm.vectors_of)
