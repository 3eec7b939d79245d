"""The embedded models through the gateway: no key, no network."""

from pathlib import Path

import pytest

from interlock.domains.llm import service as llm
from interlock.domains.llm.chat import CompleteChat, Finished, TextDelta
from interlock.kit.errors import InterlockError
from interlock.kit.money import ZERO
from tests.domains.llm.gateway import opened

pytestmark = pytest.mark.slow_model


async def test_the_embedded_model_chats_streams_and_writes_json(tmp_path: Path) -> None:
    question = [{"role": "user", "content": "What is the capital of France?"}]
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    plain = {"model": "local", "messages": question, "max_tokens": 12, "seed": 1, "temperature": 0}
    async with opened(tmp_path) as gateway:
        reply = await gateway.call(llm.complete, CompleteChat.model_validate(plain))
        assert "Paris" in (reply.text or "")
        assert reply.cost == ZERO
        assert not reply.usage.estimated
        stream = await gateway.call(llm.stream, CompleteChat.model_validate(plain))
        deltas = [delta async for piece in stream.pieces() for delta in piece.deltas]
        assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == reply.text
        assert isinstance(deltas[-1], Finished)
        asked = {**plain, "max_tokens": 40, "response_format": form}
        as_json = await gateway.call(llm.complete, CompleteChat.model_validate(asked))
        assert (as_json.text or "").startswith("{")
        assert len(await gateway.booked()) == 3


async def test_the_embedded_embedder_embeds(embedding_data_dir: Path) -> None:
    (embedding_data_dir / "interlock.db").unlink(missing_ok=True)
    async with opened(embedding_data_dir) as gateway:
        found = await gateway.call(llm.embed, llm.EmbedTexts(texts=("a cat", "a kitten", "tax law")))
        cat, kitten, law = found.vectors
        assert sum(a * b for a, b in zip(cat, kitten, strict=True)) > sum(a * b for a, b in zip(cat, law, strict=True))
        assert found.provider == "local"
        assert found.cost == ZERO
        assert found.usage.input_tokens > 0
        with pytest.raises(InterlockError, match="dimensions"):
            await gateway.call(llm.embed, llm.EmbedTexts(texts=("a",), dimensions=12))
