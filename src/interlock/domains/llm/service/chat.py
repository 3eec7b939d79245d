"""Chat completion for faces: whole or streamed, governed by budget, with fallbacks."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from interlock.domains.governance.budgets.views import ReservationId
from interlock.domains.llm import metering
from interlock.domains.llm.attempts import first_answer
from interlock.domains.llm.chat import (
    ChatDelta,
    CompleteChat,
    Completion,
    Finished,
    FinishReason,
    Piece,
    TextDelta,
    ToolCallDelta,
)
from interlock.domains.llm.directory import directory_of
from interlock.domains.llm.metering import Purpose, estimated_tokens
from interlock.domains.llm.providers import relay
from interlock.domains.llm.replies import ChatReply, OpenStream
from interlock.domains.llm.routing import Target
from interlock.domains.llm.views import SPEAKS_OPENAI, TokenUsage
from interlock.kit.errors import invalid
from interlock.kit.ids import TypedId
from interlock.kit.operations import Effect, operation
from interlock.runtime.context import Ctx
from interlock.runtime.lazy import lazy, loaded

_SDK = "interlock.domains.llm.providers.sdk_chat"
if TYPE_CHECKING:
    from interlock.domains.llm.providers import sdk_chat
else:
    sdk_chat = lazy(_SDK)  # it loads pydantic-ai, which takes seconds

SCOPE = "chatbots"
# What only shapes how OpenAI's own wire answers; the gateway decides these by itself.
_NOT_EXTRA = frozenset({"stream", "stream_options", "n", "model", "messages"})


class ChatStream:
    """A reply on its way: iterate `pieces` once, and `aclose` in any case; what came by then is booked once."""

    def __init__(
        self,
        ctx: Ctx,
        command: CompleteChat,
        target: Target,
        opened: OpenStream,
        purpose: Purpose,
        reservation: ReservationId,
    ) -> None:
        self._ctx = ctx
        self._command = command
        self._target = target
        self._opened = opened
        self._purpose = purpose
        self._reservation = reservation
        self._booking: asyncio.Task[None] | None = None
        self._written = 0
        self.id = f"chatcmpl-{purpose.reference.rpartition(':')[2]}"
        self.model = target.model
        self.provider = target.upstream.name
        self.created: datetime = ctx.now
        self.scripted = target.is_scripted
        self.is_verbatim = opened.is_verbatim
        self.usage: TokenUsage | None = None
        self.cost: Decimal | None = None

    @property
    def usage_event(self) -> bytes | None:
        """The provider's own usage event, once it came."""
        return self._opened.meter.usage_event

    async def pieces(self) -> AsyncIterator[Piece]:
        """What arrives; the last piece holds only `Finished`.

        Raises:
            InterlockError: the stream was cut or garbled; what came before is booked as an estimate.
        """
        try:
            async for piece in self._opened.pieces():
                self._written += sum(_text_length(delta) for delta in piece.deltas)
                yield piece
            await self._book()
            reason = self._opened.meter.finish or FinishReason.STOP
            yield Piece((Finished(reason, self.usage or TokenUsage(), self.cost),))
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Let go of the provider and book what was received."""
        try:
            await self._opened.aclose()
        finally:
            await self._book()

    async def _book(self) -> None:
        if self._booking is None:
            self._booking = asyncio.create_task(self._book_once(), name=f"book {self._purpose.reference}")
        # A reader who is cancelled still pays: the task goes on, and a later `aclose` waits for it.
        await asyncio.shield(self._booking)

    async def _book_once(self) -> None:
        self.usage = self._opened.meter.usage or _estimate(self._command, self._written)
        self.cost = await metering.book(self._ctx, self._purpose, self._reservation, self._target, self.usage)


@operation("llm.complete", scope=SCOPE, effect=Effect.EXTERNAL, ai=True)
async def complete(ctx: Ctx, command: CompleteChat) -> Completion:
    """Continue a conversation with a model, within the workspace's budget."""
    targets, purpose, reservation = await _prepare(ctx, command)
    started = time.perf_counter()

    async def attempt(target: Target) -> ChatReply:
        if target.upstream.kind in SPEAKS_OPENAI:
            return await relay.complete(ctx, target, command)
        return await sdk_chat.complete(ctx, target, command)

    try:
        target, reply = await first_answer(ctx, targets, attempt)
    except BaseException:
        await metering.give_back(ctx, reservation)
        raise
    latency = round((time.perf_counter() - started) * 1000)
    usage = reply.usage or _estimate(
        command, len(reply.text or "") + sum(len(call.arguments) for call in reply.tool_calls)
    )
    cost = await metering.book(ctx, purpose, reservation, target, usage)
    return Completion(
        id=reply.id,
        model=target.model,
        provider=target.upstream.name,
        created=ctx.now,
        text=reply.text,
        reasoning=reply.reasoning,
        tool_calls=reply.tool_calls,
        finish_reason=reply.finish,
        usage=usage,
        cost=cost,
        latency_ms=latency,
        scripted=target.is_scripted,
        verbatim=reply.verbatim,
    )


@operation("llm.stream", scope=SCOPE, effect=Effect.EXTERNAL, ai=True)
async def stream(ctx: Ctx, command: CompleteChat) -> ChatStream:
    """Continue a conversation with a model piece by piece; close the stream when done with it."""
    targets, purpose, reservation = await _prepare(ctx, command)

    async def attempt(target: Target) -> OpenStream:
        if target.upstream.kind in SPEAKS_OPENAI:
            return await relay.open_stream(ctx, target, command)
        return await sdk_chat.open_stream(ctx, target, command)

    try:
        target, opened = await first_answer(ctx, targets, attempt)
    except BaseException:
        await metering.give_back(ctx, reservation)
        raise
    return ChatStream(ctx, command, target, opened, purpose, reservation)


def _text_length(delta: ChatDelta) -> int:
    match delta:
        case TextDelta(text=text):
            return len(text)
        case ToolCallDelta():
            return len(delta.arguments) + len(delta.name or "")
        case Finished():
            return 0
        case _:
            return len(delta.text)


def _estimate(command: CompleteChat, written: int) -> TokenUsage:
    return TokenUsage(
        input_tokens=estimated_tokens(command.characters), output_tokens=estimated_tokens(written), estimated=True
    )


async def _prepare(ctx: Ctx, command: CompleteChat) -> tuple[tuple[Target, ...], Purpose, ReservationId]:
    """Find who serves the model, and hold the likely cost."""
    for field in command.extra.keys() & _NOT_EXTRA:
        raise invalid(f"'{field}' cannot be passed in extra.", field=f"extra.{field}")
    targets = (await directory_of(ctx)).resolve(command.model)
    if any(target.upstream.kind not in SPEAKS_OPENAI for target in targets):
        targets = await _able(targets, command)
    purpose = Purpose(f"chat:{TypedId.new().hex}")
    amount = metering.worst_cost(targets, estimated_tokens(command.characters), command.output_limit, ctx.now)
    return targets, purpose, await metering.hold(ctx, purpose, amount)


async def _able(targets: tuple[Target, ...], command: CompleteChat) -> tuple[Target, ...]:
    """The targets that can do all the request asks for; if the first cannot, its reason is told and nothing is sent."""
    if any(target.upstream.kind not in SPEAKS_OPENAI for target in targets):
        await loaded(_SDK)
    fit = tuple(target for target in targets if target.upstream.kind in SPEAKS_OPENAI or sdk_chat.can(target, command))
    if not fit:
        sdk_chat.refuse(targets[0], command)
    return fit
