"""Embeddings: the embedded model, or any provider that speaks OpenAI's format."""

from typing import Annotated, Any

import orjson
from pydantic import Field

from interlock.domains.governance.budgets.views import UsageKind
from interlock.domains.llm import metering
from interlock.domains.llm.attempts import first_answer
from interlock.domains.llm.directory import directory_of
from interlock.domains.llm.embedded.embedder import DIMENSIONS
from interlock.domains.llm.embedded.embedder import MODEL_NAME as LOCAL_EMBEDDER
from interlock.domains.llm.errors import garbled, unsupported
from interlock.domains.llm.metering import Purpose, estimated_tokens
from interlock.domains.llm.providers.relay import post, usage_of
from interlock.domains.llm.routing import Target
from interlock.domains.llm.switchboard import embedded_embedder
from interlock.domains.llm.views import SPEAKS_OPENAI, Embeddings, ProviderKind, TokenUsage
from interlock.kit.errors import invalid
from interlock.kit.ids import TypedId
from interlock.kit.money import ZERO
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx

DEFAULT_MODEL = f"local:{LOCAL_EMBEDDER}"
_EMBEDDINGS = "/embeddings"

Text = Annotated[str, Field(min_length=1, max_length=1_000_000)]
Tokens = Annotated[tuple[int, ...], Field(min_length=1, max_length=100_000)]


class EmbedTexts(Command):
    """Texts to be turned into vectors; token lists only for providers that take them."""

    texts: Annotated[tuple[Text, ...] | tuple[Tokens, ...], Field(min_length=1, max_length=2048)]
    model: Annotated[str, Field(min_length=1, max_length=200)] = DEFAULT_MODEL
    dimensions: Annotated[int, Field(ge=1, le=16_384)] | None = None


@operation("llm.embed", scope="chatbots", effect=Effect.EXTERNAL, ai=True)
async def embed(ctx: Ctx, command: EmbedTexts) -> Embeddings:
    """Turn texts into vectors that are near when meanings are near."""
    targets = (await directory_of(ctx)).resolve(command.model)
    for target in targets:
        _check(target, command)
    characters = sum(len(text) if isinstance(text, str) else 4 * len(text) for text in command.texts)
    purpose = Purpose(f"embed:{TypedId.new().hex}", UsageKind.MODEL)
    guess = TokenUsage(input_tokens=estimated_tokens(characters), estimated=True)
    costs = [cost for target in targets if (cost := target.pricing.cost(guess, ctx.now)) is not None]
    reservation = await metering.hold(ctx, purpose, max(costs, default=ZERO))

    async def attempt(target: Target) -> tuple[list[list[float]], TokenUsage]:
        if target.upstream.kind is ProviderKind.LOCAL:
            return await _locally(ctx, command)
        return await _remotely(ctx, target, command, guess)

    try:
        target, (vectors, usage) = await first_answer(ctx, targets, attempt)
    except BaseException:
        await metering.give_back(ctx, reservation)
        raise
    cost = await metering.book(ctx, purpose, reservation, target, usage)
    return Embeddings(vectors=vectors, model=target.model, provider=target.upstream.name, usage=usage, cost=cost)


def _check(target: Target, command: EmbedTexts) -> None:
    name = target.upstream.name
    if target.upstream.kind is ProviderKind.LOCAL:
        if target.model != LOCAL_EMBEDDER:
            raise invalid(
                f"'{target.id}' writes text; it makes no embeddings.", field="model", hint=f"Use '{DEFAULT_MODEL}'."
            )
        if command.dimensions not in {None, DIMENSIONS}:
            raise unsupported(name, "dimensions", f"the embedded model always makes {DIMENSIONS}.")
        if not all(isinstance(text, str) for text in command.texts):
            raise unsupported(name, "input", "the embedded model reads text, not another model's tokens.")
    elif target.upstream.kind not in SPEAKS_OPENAI:
        raise unsupported(name, "model", "embeddings come from providers that speak OpenAI's format, or from 'local'.")


async def _locally(ctx: Ctx, command: EmbedTexts) -> tuple[list[list[float]], TokenUsage]:
    texts = [text for text in command.texts if isinstance(text, str)]
    embedder = embedded_embedder(ctx)
    vectors = await embedder.aembed(texts)
    return vectors.tolist(), TokenUsage(input_tokens=embedder.count_tokens(texts))


async def _remotely(
    ctx: Ctx, target: Target, command: EmbedTexts, guess: TokenUsage
) -> tuple[list[list[float]], TokenUsage]:
    body: dict[str, Any] = {"model": target.model, "input": command.texts, "encoding_format": "float"}
    if command.dimensions is not None:
        body["dimensions"] = command.dimensions
    reply = await post(ctx, target.upstream, _EMBEDDINGS, orjson.dumps(body))
    name = target.upstream.name
    try:
        value = orjson.loads(reply.body)
        rows = sorted(value["data"], key=lambda row: row["index"])
        vectors: list[list[float]] = [row["embedding"] for row in rows]
        usage = usage_of(value["usage"]) if value.get("usage") else guess
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise garbled(name, "a reply that holds no embeddings") from error
    if len(vectors) != len(command.texts):
        raise garbled(name, f"{len(vectors)} embeddings for {len(command.texts)} texts")
    return vectors, usage
