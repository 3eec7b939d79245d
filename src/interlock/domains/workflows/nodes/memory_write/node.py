"""Something to remember, kept exactly once."""

from functools import partial

from interlock.domains.memory import service as memory
from interlock.domains.workflows.commanding import command
from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.memory_write.manifest import Config
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Keep it; the memory as it now stands is the output."""
    wanted = command(
        memory.CreateMemory,
        content=work.text(config.content),
        title=None if config.title is None else work.text(config.title),
        type=config.type,
        tags=tuple(work.text(tag) for tag in config.tags),
        owner_kind=config.owner_kind,
        owner_id=None if config.owner_id is None else work.text(config.owner_id),
        pinned=config.pinned,
    )
    return Outcome(await work.transact(partial(_keep, work, wanted), "keep"))


async def _keep(work: Work, wanted: memory.CreateMemory, ctx: Ctx) -> Json:
    return (await memory.create(work.run.within(ctx), wanted)).model_dump(mode="json")
