"""What a provider hands to the gateway: a whole reply, or an open stream of pieces; not yet priced."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from interlock.domains.llm.chat import ChatToolCall, FinishReason, Piece
from interlock.domains.llm.views import TokenUsage


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A whole reply; `usage` None means that the provider counted nothing."""

    id: str
    text: str | None
    reasoning: str | None
    tool_calls: tuple[ChatToolCall, ...]
    finish: FinishReason
    usage: TokenUsage | None
    verbatim: bytes | None = None


class Meter(Protocol):
    """What is known of a stream so far."""

    finish: FinishReason | None
    usage: TokenUsage | None
    usage_event: bytes | None
    """The event that only tells the usage, where the provider speaks OpenAI's format."""


class OpenStream:
    """A stream whose first piece has arrived, so that it will not be retried any more."""

    def __init__(
        self, meter: Meter, first: Piece | None, rest: AsyncIterator[Piece], stack: AsyncExitStack, *, is_verbatim: bool
    ) -> None:
        self.meter = meter
        self.is_verbatim = is_verbatim
        self._first = first
        self._rest = rest
        self._stack = stack

    @classmethod
    async def begin(
        cls, meter: Meter, pieces: AsyncIterator[Piece], stack: AsyncExitStack, *, is_verbatim: bool
    ) -> "OpenStream":
        """Wait for the first piece; errors before it may lead to another attempt."""
        first = await anext(pieces, None)
        return cls(meter, first, pieces, stack, is_verbatim=is_verbatim)

    async def pieces(self) -> AsyncIterator[Piece]:
        """All pieces in order."""
        if self._first is not None:
            yield self._first
            self._first = None
        async for piece in self._rest:
            yield piece

    async def aclose(self) -> None:
        """Let go of the provider."""
        await self._stack.aclose()
