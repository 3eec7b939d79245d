"""Passages of documents that answer a question."""

from functools import partial

from interlock.domains.documents import service as documents
from interlock.domains.workflows.commanding import command
from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.knowledge.manifest import Config
from interlock.kit.fencing import fenced
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Search; the passages with their scores and places, best first, and all as one text fenced for a prompt."""
    wanted = command(
        documents.FindPassages,
        query=work.text(config.query),
        document_ids=config.document_ids,
        top_k=config.top_k,
    )
    return Outcome(await work.effect(partial(_find, work, wanted), "find"))


async def _find(work: Work, wanted: documents.FindPassages, ctx: Ctx) -> Json:
    found = await documents.find(work.run.acting(ctx), wanted)
    told = [{"title": each.title, "place": each.locator, "text": each.text} for each in found]
    return {"results": [each.model_dump(mode="json") for each in found], "text": fenced(told) if told else ""}
