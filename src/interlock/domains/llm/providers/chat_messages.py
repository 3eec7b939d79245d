"""A chat in the gateway's vocabulary as pydantic-ai messages and settings; refuses what a provider would ignore."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_ai.messages import (
    BinaryContent,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.profiles.anthropic import anthropic_model_profile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from interlock.domains.llm.chat import ChatMessage, CompleteChat, Role
from interlock.domains.llm.errors import unsupported
from interlock.domains.llm.providers.sdk import SdkCall
from interlock.domains.llm.routing import Target
from interlock.domains.llm.views import ProviderKind
from interlock.kit.errors import invalid

_PENALTIES = ("presence_penalty", "frequency_penalty")
_REFUSED: dict[ProviderKind, tuple[str, ...]] = {
    ProviderKind.ANTHROPIC: ("seed", *_PENALTIES),
    ProviderKind.GOOGLE: ("parallel_tool_calls",),
    ProviderKind.LOCAL: ("tools", "tool_choice", "parallel_tool_calls", *_PENALTIES),
    ProviderKind.SCRIPTED: (),
}
_SAMPLING = ("temperature", "top_p")
_DATA_URL = "data:"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


PartT = TypeVar("PartT", bound=_Part)


class _Function(_Part):
    name: str
    arguments: str


class _Call(_Part):
    id: str
    type: str = Field(pattern="^function$")
    function: _Function
    index: int | None = None


class _ToolFunction(_Part):
    name: str = Field(min_length=1)
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class _Tool(_Part):
    type: str = Field(pattern="^function$")
    function: _ToolFunction


class _Schema(_Part):
    name: str = Field(min_length=1)
    schema_: dict[str, Any] = Field(alias="schema")
    description: str | None = None
    strict: bool | None = None


def sdk_call(target: Target, command: CompleteChat) -> SdkCall:
    """The request for a provider that does not speak OpenAI's format.

    Raises:
        InterlockError: INVALID for a field this provider would ignore, or a part it cannot be given.
    """
    refuse_what_is_lost(target, command)
    tools = [_tool(value, index) for index, value in enumerate(command.tools)]
    parameters = ModelRequestParameters(function_tools=tools)
    form = command.response_format
    if form is not None and form.type == "json_schema":
        schema = _checked(_Schema, form.json_schema, "response_format.json_schema")
        parameters.output_mode = "native"
        parameters.output_object = OutputObjectDefinition(
            schema.schema_, name=schema.name, description=schema.description, strict=schema.strict
        )
    return SdkCall(messages_of(command.messages, target), _settings(command), parameters)


def refuse_what_is_lost(target: Target, command: CompleteChat) -> None:
    """Raise for a field that the provider has no word for: accepting and ignoring it would be a lie."""
    name = target.upstream.name
    for field in command.extra:
        raise unsupported(name, field, "it belongs to OpenAI's format, and this provider has no equal.")
    for field in _REFUSED.get(target.upstream.kind, ()):
        if getattr(command, field) not in (None, ()):
            raise unsupported(name, field, "this provider has no equal.")
    if target.upstream.kind is ProviderKind.ANTHROPIC and (anthropic_model_profile(target.model) or {}).get(
        "anthropic_disallows_sampling_settings"
    ):
        for field in _SAMPLING:
            if getattr(command, field) is not None:
                raise unsupported(name, field, f"'{target.model}' decides about sampling by itself.")
    if command.response_format is not None and command.response_format.type == "json_object":
        raise unsupported(name, "response_format", "it writes JSON by schema only; send type 'json_schema'.")


def messages_of(messages: Sequence[ChatMessage], target: Target) -> list[ModelMessage]:
    """The conversation, with neighbouring requests joined as pydantic-ai keeps them."""
    found: list[ModelMessage] = []
    names: dict[str, str] = {}
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        for field in message.model_extra or {}:
            raise unsupported(target.upstream.name, f"{place}.{field}", "this provider has no equal.")
        if message.role is Role.ASSISTANT:
            parts = _said(message, place)
            names |= {part.tool_call_id: part.tool_name for part in parts if isinstance(part, ToolCallPart)}
            found.append(ModelResponse(parts=parts))
            continue
        part = _asked(message, place, names)
        if found and isinstance(found[-1], ModelRequest):
            found[-1] = ModelRequest(parts=[*found[-1].parts, part])
        else:
            found.append(ModelRequest(parts=[part]))
    return found


def _said(message: ChatMessage, place: str) -> list[ModelResponsePart]:
    parts: list[ModelResponsePart] = [TextPart(text)] if (text := _plain(message, place)) else []
    for index, value in enumerate(message.tool_calls or ()):
        call = _checked(_Call, value, f"{place}.tool_calls[{index}]")
        parts.append(ToolCallPart(call.function.name, call.function.arguments, call.id))
    return parts


def _asked(message: ChatMessage, place: str, names: dict[str, str]) -> ModelRequestPart:
    if message.role in {Role.SYSTEM, Role.DEVELOPER}:
        return SystemPromptPart(_plain(message, place))
    if message.role is Role.USER:
        return UserPromptPart(_content(message, place))
    if not message.tool_call_id:
        raise invalid(f"{place}.tool_call_id is missing.", field=f"{place}.tool_call_id")
    if message.tool_call_id not in names:
        raise invalid(
            f"{place} answers the tool call '{message.tool_call_id[:100]}', which no message before it makes.",
            field=f"{place}.tool_call_id",
        )
    return ToolReturnPart(names[message.tool_call_id], _plain(message, place), message.tool_call_id)


def _plain(message: ChatMessage, place: str) -> str:
    content = _content(message, place)
    if isinstance(content, str):
        return content
    if not all(isinstance(part, str) for part in content):
        raise invalid(f"{place}.content may hold text only.", field=f"{place}.content")
    return "".join(str(part) for part in content)


def _content(message: ChatMessage, place: str) -> str | list[UserContent]:
    if message.content is None:
        return ""
    if isinstance(message.content, str):
        return message.content
    return [_content_part(part, f"{place}.content[{index}]") for index, part in enumerate(message.content)]


def _content_part(part: dict[str, Any], place: str) -> UserContent:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image_url", "image_url": {"url": str(url)}} if url.startswith(_DATA_URL):
            return _binary(url, place)
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            # The provider fetches it; this server never opens an address that a caller chose.
            return ImageUrl(url, force_download=False)
        case _:
            raise invalid(f"{place} is not a text or image_url part.", field=place)


def _binary(url: str, place: str) -> BinaryContent:
    try:
        return BinaryContent.from_data_uri(url)
    except ValueError:
        raise invalid(f"{place} holds a data URL that cannot be read.", field=place) from None


def _tool(value: dict[str, Any], index: int) -> ToolDefinition:
    function = _checked(_Tool, value, f"tools[{index}]").function
    return ToolDefinition(
        name=function.name,
        description=function.description,
        parameters_json_schema=function.parameters,
        strict=function.strict,
    )


def _settings(command: CompleteChat) -> ModelSettings:
    settings = ModelSettings()
    if command.output_limit is not None:
        settings["max_tokens"] = command.output_limit
    if command.temperature is not None:
        settings["temperature"] = command.temperature
    if command.top_p is not None:
        settings["top_p"] = command.top_p
    if command.seed is not None:
        settings["seed"] = command.seed
    if command.presence_penalty is not None:
        settings["presence_penalty"] = command.presence_penalty
    if command.frequency_penalty is not None:
        settings["frequency_penalty"] = command.frequency_penalty
    if command.stop:
        settings["stop_sequences"] = [command.stop] if isinstance(command.stop, str) else list(command.stop)
    if command.parallel_tool_calls is not None:
        settings["parallel_tool_calls"] = command.parallel_tool_calls
    match command.tool_choice:
        case None:
            pass
        case "auto" | "none" | "required":
            settings["tool_choice"] = command.tool_choice
        case {"type": "function", "function": {"name": str(name)}}:
            settings["tool_choice"] = [name]
        case _:
            raise invalid(
                "tool_choice must be 'auto', 'none', 'required' or {type: function, function: {name}}.",
                field="tool_choice",
            )
    return settings


def _checked(kind: type[PartT], value: object, place: str) -> PartT:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join([place, *(str(step) for step in first["loc"])])
        raise invalid(f"{field}: {first['msg']}", field=field) from error
