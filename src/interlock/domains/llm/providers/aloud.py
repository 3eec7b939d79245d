"""A model's answer that somebody listens to while it is written; whole at the end, as if it had not been streamed."""

from typing import Protocol

from pydantic_ai.messages import (
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.models import Model, StreamedResponse

from interlock.domains.llm.errors import ProviderError, stream_cut
from interlock.domains.llm.providers.sdk import SdkCall, ask, is_finished, opened, told, usage_of
from interlock.domains.llm.routing import Target
from interlock.domains.llm.views import TokenUsage
from interlock.kit.errors import Kind


class Listener(Protocol):
    """Who hears an answer."""

    def begin(self) -> None:
        """A provider is asked; what was heard of an earlier one does not count."""
        ...

    def hear(self, text: str) -> None:
        """More of the text."""
        ...


class Aloud:
    """Asks providers for streamed answers."""

    def __init__(self, call: SdkCall, listener: Listener) -> None:
        self._call = call
        self._listener = listener
        self._begun: tuple[Target, StreamedResponse] | None = None

    @property
    def broken_off(self) -> tuple[Target, TokenUsage] | None:
        """Of an answer that did not come to its end, whose it was and what it has used by then."""
        return None if self._begun is None else (self._begun[0], self._used(self._begun[1]))

    async def ask(self, model: Model, target: Target) -> ModelResponse:
        """The whole answer; a provider that does not stream is asked for it in one piece."""
        self._listener.begin()
        self._begun = None
        try:
            async with opened(model, target, self._call) as stream:
                return await self._listen(target, stream)
        except NotImplementedError:
            pass
        except ProviderError as error:
            if error.kind is not Kind.INVALID or self._begun is not None:
                raise
        return await ask(model, target, self._call)

    async def _listen(self, target: Target, stream: StreamedResponse) -> ModelResponse:
        try:
            with told(target):
                async for event in stream:
                    text = _text_in(event)
                    if text:
                        self._listener.hear(text)
                    self._begun = (target, stream)
        except ProviderError as error:
            if error.code == "provider_cut":
                raise stream_cut(target.upstream.name) from error
            raise
        response = stream.get()
        if not is_finished(response):
            raise stream_cut(target.upstream.name)
        self._begun = None
        return response

    def _used(self, stream: StreamedResponse) -> TokenUsage:
        """What has come by now; the provider's own count may still be missing, and the larger guess stands."""
        counted = usage_of(stream.usage, self._call.messages, stream.get())
        if counted.estimated:
            return counted
        guess = usage_of(type(stream.usage)(), self._call.messages, stream.get())
        written = max(counted.output_tokens, guess.output_tokens)
        return counted.model_copy(update={"output_tokens": written, "estimated": True})


def _text_in(event: ModelResponseStreamEvent) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case _:
            return ""
