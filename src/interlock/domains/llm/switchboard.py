"""What one server process keeps between calls: breakers, ready model clients, and the embedded models."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlock.domains.llm.breaker import BreakerState, CircuitBreaker
from interlock.domains.llm.embedded.chat import ChatSettings, EmbeddedChat
from interlock.domains.llm.embedded.embedder import EmbeddedEmbedder
from interlock.domains.llm.routing import Target
from interlock.domains.llm.views import SPEAKS_OPENAI, ProviderKind
from interlock.runtime.context import Ctx, Runtime

if TYPE_CHECKING:
    from pydantic_ai.models import Model

_ROOM = "interlock.domains.llm.providers"
_BREAKERS = 2_000
_MODELS = 200


@dataclass(slots=True, eq=False)
class Switchboard:
    """Belongs to one event loop; get it with `switchboard(ctx)`."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    breakers: dict[tuple[str, str], CircuitBreaker] = field(default_factory=dict)
    models: "dict[tuple[str, str], Model]" = field(default_factory=dict)
    chat: EmbeddedChat | None = None
    embedder: EmbeddedEmbedder | None = None


def switchboard(ctx: Ctx) -> Switchboard:
    """The process's own."""
    return ctx.runtime.local(Switchboard)


def breaker_of(ctx: Ctx, target: Target) -> CircuitBreaker:
    """The breaker of one model at one provider."""
    breakers = switchboard(ctx).breakers
    key = (target.upstream.key, target.model)
    breaker = breakers.get(key)
    if breaker is None:
        if len(breakers) >= _BREAKERS:
            for old in [old for old, known in breakers.items() if known.state is BreakerState.CLOSED]:
                del breakers[old]
        breaker = breakers[key] = CircuitBreaker(ctx.runtime.clock)
    return breaker


async def model_of(ctx: Ctx, target: Target) -> "Model":
    """A ready client for a target; SDKs are imported off the loop, because that takes seconds."""
    models = switchboard(ctx).models
    key = (target.upstream.key, target.model)
    model = models.get(key)
    if model is None:
        kind = target.upstream.kind
        name = "openai" if kind in SPEAKS_OPENAI else kind.value
        module = await asyncio.to_thread(importlib.import_module, f"{_ROOM}.{name}")
        model = module.build(ctx, target)
        if kind is not ProviderKind.SCRIPTED:  # a conversation file may be edited between two calls
            if len(models) >= _MODELS:
                models.clear()
            models[key] = model
    return model


def embedded_chat(ctx: Ctx) -> EmbeddedChat:
    """The embedded chat model of this process; it loads at its first request."""
    board = switchboard(ctx)
    if board.chat is None:
        board.chat = EmbeddedChat(ChatSettings(threads=ctx.settings.local_model_threads))
    return board.chat


def embedded_embedder(ctx: Ctx) -> EmbeddedEmbedder:
    """The embedded embedding model of this process; it loads at its first request."""
    board = switchboard(ctx)
    if board.embedder is None:
        board.embedder = EmbeddedEmbedder(ctx.settings.data_dir, threads=ctx.settings.local_model_threads)
    return board.embedder


async def shut_down(runtime: Runtime) -> None:
    """Stop the embedded models; main.py calls it once at the end."""
    board = runtime.local(Switchboard)
    if board.chat is not None:
        await board.chat.aclose()
        board.chat = None
    if board.embedder is not None:
        await board.embedder.aclose()
        board.embedder = None
    board.models.clear()
