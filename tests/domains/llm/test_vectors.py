"""Vectors for search come only where the workspace may use models, and their absence is no trouble."""

from collections.abc import Sequence

import pytest
from sqlalchemy import update

from interlock.domains.llm import service as llm
from interlock.domains.llm.embedded.embedder import EmbeddedEmbedder
from interlock.domains.org.models import workspaces
from tests.support.app import Server


@pytest.mark.slow_model
async def test_near_meanings_have_near_vectors(server: Server) -> None:
    ctx = await server.ctx()
    contract = await llm.vector_of(ctx, "Is the contract still running?")
    made = await llm.vectors_of(ctx, ["They renewed the agreement.", "Lunch is at noon."])
    assert contract is not None
    assert made is not None
    renewal, lunch = made @ contract
    assert renewal > lunch


async def test_without_ai_access_there_is_none(server: Server) -> None:
    ctx = await server.ctx()
    async with ctx.begin() as unit:
        await (await unit.session()).execute(update(workspaces).values(has_ai_access=False))
    assert await llm.vectors_of(ctx, ["anything"]) is None
    assert await llm.vector_of(ctx, "anything") is None


async def test_trouble_with_the_model_leaves_a_question_to_its_words(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: EmbeddedEmbedder, texts: Sequence[str]) -> None:
        raise RuntimeError("no model")

    monkeypatch.setattr(EmbeddedEmbedder, "aembed", broken)
    ctx = await server.ctx()
    assert await llm.vector_of(ctx, "anything") is None
    with pytest.raises(RuntimeError):
        await llm.vectors_of(ctx, ["anything"])
