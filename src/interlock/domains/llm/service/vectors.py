"""Meanings for search: vectors of the embedded model, which cost nothing, so nothing is held or booked for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from interlock.domains.llm.switchboard import embedded_embedder
from interlock.domains.org import service as org
from interlock.runtime.context import Ctx

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = structlog.get_logger(__name__)


async def vectors_of(ctx: Ctx, texts: Sequence[str]) -> npt.NDArray[np.float32] | None:
    """A row of 384 numbers for each text; None where the workspace has no AI access. Needs no open unit of work."""
    async with ctx.begin(write=False) as unit:
        facts = await org.facts(unit, ctx.workspace_id)
    if not facts.has_ai_access:
        return None
    return await embedded_embedder(ctx).aembed(texts)


async def vector_of(ctx: Ctx, text: str) -> npt.NDArray[np.float32] | None:
    """The vector of a question; None without AI access, and while the model is in trouble: words are searched then."""
    try:
        vectors = await vectors_of(ctx, [text])
    except Exception as error:
        log.warning("the embedded model failed; this search compares words only", exc_info=error)
        return None
    return None if vectors is None else vectors[0]
