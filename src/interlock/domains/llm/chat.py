"""The gateway's chat vocabulary: what a caller asks, what comes back whole, and what comes back piece by piece.

Names follow OpenAI's chat completions, the format most programs speak; every provider is mapped from and to it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from interlock.domains.llm.views import TokenUsage
from interlock.kit.operations import Command, View

JsonObject: TypeAlias = dict[str, Any]
ModelName = Annotated[str, Field(min_length=1, max_length=200, description="Model id, prefix, alias or route.")]
_OURS = frozenset({"model", "extra"})


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class ChatMessage(BaseModel):
    """One message; fields beyond these travel to providers that speak OpenAI's format and are refused elsewhere."""

    model_config = ConfigDict(frozen=True, extra="allow")

    role: Role
    content: str | tuple[JsonObject, ...] | None = None
    name: str | None = None
    tool_calls: tuple[JsonObject, ...] | None = None
    tool_call_id: str | None = None


class ResponseFormat(BaseModel):
    """Free text, any JSON object, or JSON by schema."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonObject | None = None


class CompleteChat(Command):
    """A conversation to be continued by a model."""

    model: ModelName
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1, max_length=10_000)]
    tools: Annotated[tuple[JsonObject, ...], Field(max_length=512)] = ()
    tool_choice: str | JsonObject | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    stop: str | tuple[str, ...] | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    extra: Annotated[
        JsonObject, Field(default_factory=dict, description="A provider's own fields, where it speaks OpenAI.")
    ]

    @property
    def output_limit(self) -> int | None:
        """The most tokens the reply may have, by either of its names."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def characters(self) -> int:
        """How much text the request holds; anything that is not text counts as a page."""
        return sum(_length(message) for message in self.messages) + (len(str(self.tools)) if self.tools else 0)

    def body(self) -> JsonObject:
        """The request as the caller sent it, without the model."""
        fields = self.model_dump(exclude_unset=True, exclude=set(_OURS))
        return {**fields, **self.extra}


_PAGE = 4_000


def _length(message: ChatMessage) -> int:
    calls = len(str(message.tool_calls)) if message.tool_calls else 0
    if message.content is None or isinstance(message.content, str):
        return len(message.content or "") + calls
    return calls + sum(len(str(part["text"])) if "text" in part else _PAGE for part in message.content)


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class ChatToolCall(View):
    """A call the model wants made; `arguments` is the text it wrote, JSON or not."""

    id: str
    name: str
    arguments: str


class Completion(View):
    """A whole reply; `cost` None means that the price is unknown."""

    id: str
    model: str
    provider: str
    created: datetime
    text: str | None
    reasoning: str | None = None
    tool_calls: tuple[ChatToolCall, ...] = ()
    finish_reason: FinishReason
    usage: TokenUsage
    cost: Decimal | None
    latency_ms: int
    scripted: bool = False
    verbatim: Annotated[bytes | None, Field(exclude=True, repr=False)] = None
    """The provider's own reply, where it speaks OpenAI's format: faces that speak it too pass it on untouched."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A new call (with id and name), or more of the arguments of the call with this index."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end: why, how much, and what it cost."""

    reason: FinishReason
    usage: TokenUsage
    cost: Decimal | None


ChatDelta: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta | Finished


@dataclass(frozen=True, slots=True)
class Piece:
    """What arrived in one go: deltas, and the provider's own events where it speaks OpenAI's format."""

    deltas: tuple[ChatDelta, ...]
    events: tuple[bytes, ...] = ()
