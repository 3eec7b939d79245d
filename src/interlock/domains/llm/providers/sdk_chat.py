"""Chats through pydantic-ai: whole replies, and streams pumped by a task of their own.

The task is there because libraries open cancel scopes around a stream, and those must close in the task that opened
them, while a face may read from one task and close from another.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

from pydantic_ai.messages import (
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import Model, StreamedResponse
from pydantic_core import to_json

from interlock.domains.llm.chat import (
    ChatDelta,
    ChatToolCall,
    CompleteChat,
    FinishReason,
    Piece,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from interlock.domains.llm.errors import ProviderError, stream_cut
from interlock.domains.llm.providers.chat_messages import sdk_call
from interlock.domains.llm.providers.sdk import SdkCall, ask, is_finished, opened, told, usage_of
from interlock.domains.llm.replies import ChatReply, OpenStream
from interlock.domains.llm.routing import Target
from interlock.domains.llm.switchboard import model_of
from interlock.domains.llm.views import TokenUsage
from interlock.kit.errors import InterlockError
from interlock.runtime.context import Ctx

_WAITING_PIECES = 64
_FINISHES = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_call": FinishReason.TOOL_CALLS,
}


async def complete(ctx: Ctx, target: Target, command: CompleteChat) -> ChatReply:
    """The model's whole reply."""
    call = sdk_call(target, command)
    response = await ask(await model_of(ctx, target), target, call)
    thoughts = "".join(part.content for part in response.parts if isinstance(part, ThinkingPart))
    calls = tuple(
        ChatToolCall(id=part.tool_call_id, name=part.tool_name, arguments=arguments_text(part))
        for part in response.parts
        if isinstance(part, ToolCallPart)
    )
    return ChatReply(
        id=response.provider_response_id or f"chatcmpl-{uuid4().hex}",
        text=response.text,
        reasoning=thoughts or None,
        tool_calls=calls,
        finish=_finish(response.finish_reason, has_calls=bool(calls)),
        usage=usage_of(response.usage, call.messages, response),
    )


def can(target: Target, command: CompleteChat) -> bool:
    """Whether a provider can do all that a request asks for."""
    try:
        sdk_call(target, command)
    except InterlockError:
        return False
    return True


def refuse(target: Target, command: CompleteChat) -> None:
    """Raise the reason why a provider cannot do what a request asks for."""
    sdk_call(target, command)


def arguments_text(part: ToolCallPart) -> str:
    """The arguments as the model wrote them: text stays as it is, even where it is no JSON."""
    if isinstance(part.args, str):
        return part.args
    return to_json(part.args or {}).decode()


async def open_stream(ctx: Ctx, target: Target, command: CompleteChat) -> OpenStream:
    """The model's reply as it is generated; returns once the first piece is there."""
    pump = _Pump(target, sdk_call(target, command))
    stack = AsyncExitStack()
    stack.push_async_callback(pump.stop)
    pump.start(await model_of(ctx, target))
    try:
        return await OpenStream.begin(pump, pump.pieces(), stack, is_verbatim=False)
    except BaseException:
        await stack.aclose()
        raise


class _Pump:
    """Reads a stream in its own task and hands over what comes, a bounded number of pieces ahead."""

    def __init__(self, target: Target, call: SdkCall) -> None:
        self._target = target
        self._call = call
        self._queue: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue(_WAITING_PIECES)
        self._task: asyncio.Task[None] | None = None
        self._tools: dict[int, int] = {}
        self.finish: FinishReason | None = None
        self.usage: TokenUsage | None = None
        self.usage_event: bytes | None = None

    def start(self, model: Model) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(model), name=f"stream {self._target.id}")

    async def stop(self) -> None:
        """Stop reading and let go of the provider."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def pieces(self) -> AsyncIterator[Piece]:
        """What was read."""
        while (item := await self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    async def _run(self, model: Model) -> None:
        try:
            async with opened(model, self._target, self._call) as stream:
                await self._read(stream)
        except Exception as error:  # noqa: BLE001 - handed to the reader, who raises it
            await self._queue.put(error)
        else:
            await self._queue.put(None)

    async def _read(self, stream: StreamedResponse) -> None:
        try:
            with told(self._target):
                async for event in stream:
                    delta = self._delta(event)
                    if delta is not None:
                        await self._queue.put(Piece((delta,)))
        except ProviderError as error:
            if error.code == "provider_cut":
                raise stream_cut(self._target.upstream.name) from error
            raise
        finally:
            response = stream.get()
            self._count(stream, response)
        if not is_finished(response):
            raise stream_cut(self._target.upstream.name)
        self.finish = _finish(response.finish_reason, has_calls=bool(self._tools))

    def _count(self, stream: StreamedResponse, response: ModelResponse) -> None:
        """The provider's count; from a stream that was cut it is only a beginning, and the larger guess stands."""
        counted = usage_of(stream.usage, self._call.messages, response)
        if not is_finished(response) and not counted.estimated:
            guess = usage_of(type(stream.usage)(), self._call.messages, response)
            written = max(counted.output_tokens, guess.output_tokens)
            counted = counted.model_copy(update={"output_tokens": written, "estimated": True})
        self.usage = counted

    def _delta(self, event: ModelResponseStreamEvent) -> ChatDelta | None:
        match event:
            case PartStartEvent(part=TextPart(content=text)) if text:
                return TextDelta(text)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)) if text:
                return TextDelta(text)
            case PartStartEvent(part=ThinkingPart(content=text)) if text:
                return ReasoningDelta(text)
            case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str(text))) if text:
                return ReasoningDelta(text)
            case PartStartEvent(index=index, part=ToolCallPart() as part):
                number = self._tools.setdefault(index, len(self._tools))
                arguments = arguments_text(part) if part.args else ""
                return ToolCallDelta(number, part.tool_call_id, part.tool_name, arguments)
            case PartDeltaEvent(index=index, delta=ToolCallPartDelta(args_delta=args)) if args:
                arguments = args if isinstance(args, str) else to_json(args).decode()
                return ToolCallDelta(self._tools.setdefault(index, len(self._tools)), arguments=arguments)
            case _:
                return None


def _finish(reason: str | None, *, has_calls: bool) -> FinishReason:
    if has_calls and reason in {None, "stop"}:
        return FinishReason.TOOL_CALLS
    return _FINISHES.get(reason or "", FinishReason.STOP)
