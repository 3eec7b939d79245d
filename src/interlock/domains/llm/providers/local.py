"""The embedded chat model behind pydantic-ai's interface: chat, streaming and JSON by schema, and no tools."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponseStreamEvent,
    SystemPromptPart,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from interlock.domains.llm.embedded.chat import ChatOptions, ChatReply, ChatStream, ChatTurn, EmbeddedChat
from interlock.domains.llm.errors import unsupported
from interlock.domains.llm.routing import Target
from interlock.domains.llm.switchboard import embedded_chat
from interlock.runtime.context import Ctx

PROVIDER_NAME = "local"
_LONGEST_REPLY = 2048


def build(ctx: Ctx, target: Target) -> Model:
    """The embedded chat model."""
    return LocalModel(embedded_chat(ctx), target.model)


class LocalModel(Model[None]):
    """SmolLM2 on this machine's processor."""

    def __init__(self, chat: EmbeddedChat, name: str) -> None:
        super().__init__(profile=ModelProfile(supports_json_schema_output=True, default_framing_announcement="never"))
        self._chat = chat
        self._name = name

    @property
    def model_name(self) -> str:
        """The weights' name."""
        return self._name

    @property
    def system(self) -> str:
        """The provider's name."""
        return PROVIDER_NAME

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """One whole reply."""
        _, parameters = self.prepare_request(model_settings, model_request_parameters)
        reply = await self._chat.chat(_turns(messages, parameters), _options(model_settings, parameters))
        return ModelResponse(
            parts=[TextPart(reply.text)],
            usage=_usage(reply),
            model_name=self._name,
            provider_name=PROVIDER_NAME,
            finish_reason=reply.finish_reason.value,
        )

    @contextlib.asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """The reply as it is generated."""
        _, parameters = self.prepare_request(model_settings, model_request_parameters)
        turns, options = _turns(messages, parameters), _options(model_settings, parameters)
        async with self._chat.stream(turns, options) as stream:
            yield _LocalStream(parameters, self._name, stream)


@dataclass
class _LocalStream(StreamedResponse):
    name: str
    stream: ChatStream
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        async for piece in self.stream:
            for event in self._parts_manager.handle_text_delta(vendor_part_id="text", content=piece):
                yield event
        reply = self.stream.reply
        self._usage = _usage(reply)
        self.finish_reason = reply.finish_reason.value

    async def close_stream(self) -> None:
        """The block around the stream stops the model."""

    @property
    def model_name(self) -> str:
        return self.name

    @property
    def provider_name(self) -> str:
        return PROVIDER_NAME

    @property
    def provider_url(self) -> None:
        return None

    @property
    def timestamp(self) -> datetime:
        return self.started_at


def _options(settings: ModelSettings | None, parameters: ModelRequestParameters) -> ChatOptions:
    if parameters.function_tools or parameters.output_tools:
        raise unsupported(PROVIDER_NAME, "tools", "the embedded model cannot call tools.")
    wanted = settings or ModelSettings()
    chosen: dict[str, Any] = {name: wanted[name] for name in ("temperature", "top_p", "seed") if name in wanted}
    if "max_tokens" in wanted:
        chosen["max_tokens"] = min(wanted["max_tokens"], _LONGEST_REPLY)
    if "stop_sequences" in wanted:
        chosen["stop"] = tuple(wanted["stop_sequences"])
    if parameters.output_object is not None:
        chosen["json_schema"] = parameters.output_object.json_schema
    return ChatOptions(**chosen)


def _turns(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> list[ChatTurn]:
    system: list[str] = [part.content for part in parameters.instruction_parts or ()]
    turns: list[ChatTurn] = []
    for message in messages:
        if isinstance(message, ModelResponse):
            turns.append(ChatTurn(role="assistant", content=message.text or ""))
            continue
        for part in message.parts:
            match part:
                case SystemPromptPart():
                    system.append(part.content)
                case UserPromptPart():
                    turns.append(ChatTurn(role="user", content=_text(part)))
                case ToolReturnPart():
                    answer = f"Result of {part.tool_name}: {part.model_response_str()}"
                    turns.append(ChatTurn(role="user", content=answer))
                case _:
                    raise unsupported(PROVIDER_NAME, "messages", f"it cannot read a part of kind {part.part_kind}.")
    # The model's template knows one system message, at the start.
    return [ChatTurn(role="system", content="\n\n".join(system)), *turns] if system else turns


def _text(part: UserPromptPart) -> str:
    if isinstance(part.content, str):
        return part.content
    texts = [item for item in part.content if isinstance(item, str)]
    if len(texts) != len(part.content):
        raise unsupported(PROVIDER_NAME, "messages", "the embedded model reads text only.")
    return "\n".join(texts)


def _usage(reply: ChatReply) -> RequestUsage:
    return RequestUsage(input_tokens=reply.prompt_tokens, output_tokens=reply.completion_tokens)
