"""What the workspace remembers about a question."""

from functools import partial

from interlock.domains.memory import service as memory
from interlock.domains.memory.states import OccasionKind
from interlock.domains.memory.views import Occasion
from interlock.domains.workflows.commanding import command
from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.memory_read.manifest import Config
from interlock.kit.fencing import fenced
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Search; the memories with their scores, best first, and their contents as one text fenced for a prompt."""
    wanted = command(
        memory.SearchMemories,
        query=work.text(config.query),
        top_k=config.top_k,
        type=config.type,
        tags=tuple(work.text(tag) for tag in config.tags),
        owner_kind=config.owner_kind,
        owner_id=None if config.owner_id is None else work.text(config.owner_id),
    )
    return Outcome(await work.effect(partial(_search, work, wanted), "search"))


async def _search(work: Work, wanted: memory.SearchMemories, ctx: Ctx) -> Json:
    occasion = Occasion(kind=OccasionKind.RUN, id=str(work.run.run_id))
    found = (await memory.search_for(work.run.acting(ctx), wanted, occasion)).results
    results = [{**each.memory.model_dump(mode="json"), "score": each.score} for each in found]
    told = [each.memory.content for each in found]
    return {"results": results, "text": fenced(told) if told else ""}
