"""The embedded chat model as a pydantic-ai model, so that agents and the gateway use it like any other."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic_ai import RunContext
from pydantic_ai.messages import (
    CachePoint,
    CompactionPart,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    SystemPromptPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettingName, ModelSettings
from pydantic_ai.usage import RequestUsage

from interlock.domains.llm.embedded.chat import MODEL_NAME, ChatOptions, ChatReply, ChatStream, ChatTurn, EmbeddedChat
from interlock.kit.errors import InterlockError, Kind, invalid

PROVIDER_NAME = "local"
_LONGEST_REPLY = 2048
_DEFAULT_MAX_TOKENS = 512


class LocalModel(Model[None]):
    """SmolLM2 inside this server: chats, streams, writes JSON for a structured output type; cannot call tools."""

    unsupported_settings: ClassVar[frozenset[ModelSettingName]] = frozenset(
        {
            "top_k",
            "max_retries",
            "presence_penalty",
            "frequency_penalty",
            "logit_bias",
            "extra_headers",
            "citations",
            "service_tier",
            "extra_body",
        }
    )

    def __init__(self, chat: EmbeddedChat, *, settings: ModelSettings | None = None) -> None:
        super().__init__(
            settings=settings,
            profile=ModelProfile(
                supports_tools=False,
                supports_json_schema_output=True,
                supports_json_object_output=False,
                default_structured_output_mode="native",
                supports_image_input=False,
                supports_document_input=False,
                supports_audio_file_input=False,
                supports_video_input=False,
                # The explanation of framing tags is longer than what this model can follow.
                default_framing_announcement="never",
                context_window=chat.settings.context_tokens,
            ),
        )
        self._chat = chat

    @property
    def model_name(self) -> str:
        """The model's name."""
        return MODEL_NAME

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
        """Generate one whole response."""
        settings, parameters = self.prepare_request(model_settings, model_request_parameters)
        reply = await self._chat.chat(_turns(messages, parameters), _options(settings, parameters))
        return ModelResponse(
            parts=[TextPart(reply.text)],
            usage=_usage(reply),
            model_name=self.model_name,
            provider_name=PROVIDER_NAME,
            finish_reason=reply.finish_reason.value,
        )

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Generate a response piece by piece; leaving the block stops the model."""
        settings, parameters = self.prepare_request(model_settings, model_request_parameters)
        async with self._chat.stream(_turns(messages, parameters), _options(settings, parameters)) as stream:
            yield _LocalStream(parameters, stream)


@dataclass
class _LocalStream(StreamedResponse):
    stream: ChatStream
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        async for piece in self.stream:
            # A stream that is stopped early never learns the exact count, and must still be paid for.
            read, written = self.stream.tokens_so_far
            self._usage = RequestUsage(input_tokens=read, output_tokens=written)
            for event in self._parts_manager.handle_text_delta(vendor_part_id="text", content=piece):
                yield event
        if self.stream.finished:
            self._usage = _usage(self.stream.reply)
            self.finish_reason = self.stream.reply.finish_reason.value

    async def close_stream(self) -> None:
        self.stream.stop()

    @property
    def model_name(self) -> str:
        return MODEL_NAME

    @property
    def provider_name(self) -> str:
        return PROVIDER_NAME

    @property
    def provider_url(self) -> None:
        return None

    @property
    def timestamp(self) -> datetime:
        return self.started_at


def _usage(reply: ChatReply) -> RequestUsage:
    return RequestUsage(input_tokens=reply.prompt_tokens, output_tokens=reply.completion_tokens)


def _options(settings: ModelSettings | None, parameters: ModelRequestParameters) -> ChatOptions:
    _refuse_tools(parameters)
    asked: ModelSettings = settings or {}
    facts: dict[str, Any] = {
        "max_tokens": min(asked.get("max_tokens", _DEFAULT_MAX_TOKENS), _LONGEST_REPLY),
        "stop": tuple(asked.get("stop_sequences", ())),
        "json_schema": parameters.output_object.json_schema if parameters.output_object else None,
    }
    facts |= {name: asked[name] for name in ("temperature", "top_p", "seed") if name in asked}
    if isinstance(limit := asked.get("timeout"), int | float):
        facts["time_limit_seconds"] = limit
    return ChatOptions.model_validate(facts)


def _refuse_tools(parameters: ModelRequestParameters) -> None:
    tools = [tool.name for tool in (*parameters.function_tools, *parameters.output_tools)]
    tools += [tool.kind for tool in parameters.native_tools]
    if tools:
        raise InterlockError(
            Kind.INVALID,
            f"The embedded model {MODEL_NAME} cannot call tools, and this request offers {', '.join(tools)}.",
            code="tools_not_supported",
            data={"field": "tools", "tools": tools},
            hint="Route the agent to a model that calls tools (add a provider key), or remove its tools.",
        )


def _turns(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> list[ChatTurn]:
    system = _instructions(messages, parameters)
    turns: list[ChatTurn] = []
    for message in messages:
        if isinstance(message, ModelRequest):
            system += [part.content for part in message.parts if isinstance(part, SystemPromptPart)]
            texts = [_request_text(part) for part in message.parts if not isinstance(part, SystemPromptPart)]
            role = "user"
        else:
            texts = [_response_text(part) for part in message.parts]
            role = "assistant"
        if content := "\n\n".join(text for text in texts if text):
            turns.append(ChatTurn.model_validate({"role": role, "content": content}))
    if system:
        turns.insert(0, ChatTurn(role="system", content="\n\n".join(system)))
    return turns


def _instructions(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> list[str]:
    if parameters.instruction_parts is not None:
        return [part.content for part in parameters.instruction_parts]
    requests = [message for message in messages if isinstance(message, ModelRequest)]
    return [requests[-1].instructions] if requests and requests[-1].instructions else []


def _request_text(part: object) -> str:
    match part:
        case UserPromptPart(content=str(text)) | CompactionPart(content=str(text)):
            return text
        case UserPromptPart():
            return "\n".join(_user_text(item) for item in part.content)
        case ToolReturnPart():
            return f"Result of {part.tool_name}: {part.model_response_str()}"
        case _:
            raise _unreadable(part)


def _user_text(item: UserContent) -> str:
    match item:
        case str():
            return item
        case TextContent():
            return item.content
        case CachePoint():
            return ""
        case _:
            raise _unreadable(item)


def _response_text(part: object) -> str:
    match part:
        case TextPart(content=text) | CompactionPart(content=str(text)):
            return text
        case ThinkingPart():
            return ""
        case ToolCallPart():
            return f"(called {part.tool_name} with {part.args_as_json_str()})"
        case _:
            raise _unreadable(part)


def _unreadable(part: object) -> InterlockError:
    return invalid(
        f"The embedded model reads text only, and a message holds {type(part).__name__}.",
        field="messages",
        hint="Send text, or route to a model that reads this kind of content.",
    )
