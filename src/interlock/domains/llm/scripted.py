"""A model that plays a conversation file, for tests and demos. It is no model, and its name always says so.

It keeps no state: which turn comes next follows from how many responses the message history holds already, so a
script continues correctly after a restart.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic_ai import RunContext
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from interlock.domains.llm.script_file import DraftValue, Script, ScriptedTurn, special_value
from interlock.kit.errors import InterlockError, Kind

PROVIDER_NAME = "scripted"
# Travels with every response, so that ledgers and screens can tell that nothing was bought.
LABEL = {"scripted": True, "usage_counted_in": "words", "cost": "0"}
_MISSING = object()


class Drafter(Protocol):
    """Writes a text with a real model: `EmbeddedChat.draft` is one."""

    async def __call__(self, prompt: str, max_tokens: int) -> str:
        """Write at most `max_tokens` tokens for `prompt`."""
        ...


class ScriptedModel(Model[None]):
    """Plays a conversation file, one turn per request.

    Args:
        script: the conversation.
        drafter: what writes `$draft` arguments; without one a script that drafts is refused when the turn is played.
    """

    def __init__(self, script: Script, *, drafter: Drafter | None = None) -> None:
        super().__init__(
            profile=ModelProfile(supports_json_schema_output=True, default_framing_announcement="never"),
        )
        self._script = script
        self._drafter = drafter

    @property
    def model_name(self) -> str:
        """Always `scripted:` and the script's label."""
        return f"scripted:{self._script.label}"

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
        """Play the next turn."""
        _, parameters = self.prepare_request(model_settings, model_request_parameters)
        text, calls = await self._play(messages, parameters)
        return ModelResponse(
            parts=[*([TextPart(text)] if text else []), *calls],
            usage=_usage(messages, text, calls),
            model_name=self.model_name,
            provider_name=PROVIDER_NAME,
            provider_details=dict(LABEL),
            finish_reason="tool_call" if calls else "stop",
        )

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Play the next turn word by word."""
        _, parameters = self.prepare_request(model_settings, model_request_parameters)
        text, calls = await self._play(messages, parameters)
        yield _ScriptedStream(parameters, self.model_name, text or "", calls, _usage(messages, text, calls))

    async def _play(
        self, messages: Sequence[ModelMessage], parameters: ModelRequestParameters
    ) -> tuple[str | None, list[ToolCallPart]]:
        number = 1 + sum(isinstance(message, ModelResponse) for message in messages)
        if number > len(self._script.turns):
            raise self._error(number, None, f"the script has only {len(self._script.turns)} turns", "script_exhausted")
        turn = self._script.turns[number - 1]
        self._check_expectation(turn, number, messages)
        offered = {tool.name for tool in (*parameters.function_tools, *parameters.output_tools)}
        calls = []
        for position, call in enumerate(turn.tool_calls or ()):
            place = f"tool_calls[{position}]"
            name = self._offered_name(call.tool, offered, number, place)
            arguments = {
                key: await self._resolve(value, messages, number, f"{place}.arguments.{key}")
                for key, value in call.arguments.items()
            }
            # Derived, not random: a turn that is played again after a crash repeats its call under the same id.
            calls.append(ToolCallPart(name, arguments, f"{self._script.label}-{number}-{position}"))
        return turn.text, calls

    def _check_expectation(self, turn: ScriptedTurn, number: int, messages: Sequence[ModelMessage]) -> None:
        if turn.expect is None:
            return
        newest = _text_of(part for part in messages[-1].parts if not isinstance(part, SystemPromptPart))
        if turn.expect.contains not in newest:
            reason = f"expected the newest message to contain '{turn.expect.contains}', but it is '{newest[:200]}'"
            raise self._error(number, "expect.contains", reason, "script_mismatch")

    def _offered_name(self, tool: str, offered: set[str], number: int, place: str) -> str:
        # Providers refuse dots in tool names, so agents commonly offer `crm.create_contact` under one of these.
        for name in (tool, tool.replace(".", "__"), tool.replace(".", "_")):
            if name in offered:
                return name
        known = ", ".join(sorted(offered)) or "none"
        raise self._error(number, f"{place}.tool", f"no tool '{tool}' is offered (offered: {known})", "script_mismatch")

    async def _resolve(self, value: Any, messages: Sequence[ModelMessage], number: int, place: str) -> Any:
        special = special_value(value)
        if isinstance(special, DraftValue):
            if self._drafter is None:
                raise self._error(number, place, "a $draft needs a drafting model and none is configured")
            return await self._drafter(special.draft.prompt, special.draft.max_tokens)
        if special is not None:
            return self._pointed(special.pointer, messages, number, place)
        if isinstance(value, dict):
            return {key: await self._resolve(v, messages, number, f"{place}.{key}") for key, v in value.items()}
        if isinstance(value, list):
            return [await self._resolve(v, messages, number, f"{place}[{i}]") for i, v in enumerate(value)]
        return value

    def _pointed(self, pointer: str, messages: Sequence[ModelMessage], number: int, place: str) -> Any:
        results = [
            part
            for message in messages
            if isinstance(message, ModelRequest)
            for part in message.parts
            if isinstance(part, ToolReturnPart)
        ]
        if not results:
            raise self._error(number, place, f"$from '{pointer}': no tool has answered yet")
        found = resolve_pointer(_as_json(results[-1]), pointer)
        if found is _MISSING:
            raise self._error(number, place, f"$from '{pointer}' is not in the result of {results[-1].tool_name}")
        return found

    def _error(self, number: int, place: str | None, reason: str, code: str = "script_failed") -> InterlockError:
        where = f"turn {number}" + (f", field {place}" if place else "")
        return InterlockError(
            Kind.CONFLICT,
            f"{self.model_name}: {where}: {reason}.",
            code=code,
            data={"script": self._script.label, "turn": number, "field": place},
            hint="Correct the conversation file, or start a new conversation.",
        )


@dataclass
class _ScriptedStream(StreamedResponse):
    name: str
    text: str
    calls: list[ToolCallPart]
    final_usage: RequestUsage
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        self.provider_details = dict(LABEL)
        for word in re.findall(r"\s*\S+\s*$|\s*\S+", self.text):
            if self.cancelled:
                return
            for event in self._parts_manager.handle_text_delta(vendor_part_id="text", content=word):
                yield event
        for call in self.calls:
            for event in self._parts_manager.handle_tool_call_delta_events(
                vendor_part_id=call.tool_call_id,
                tool_name=call.tool_name,
                args=call.args_as_json_str(),
                tool_call_id=call.tool_call_id,
            ):
                yield event
        self._usage = self.final_usage
        self.finish_reason = "tool_call" if self.calls else "stop"

    async def close_stream(self) -> None:
        """Nothing to close: the iteration looks at `cancelled` before every word."""

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


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Follow a JSON pointer (RFC 6901); the empty pointer is the whole document, `_MISSING` means nothing is there."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and re.fullmatch(r"0|[1-9][0-9]*", key) and int(key) < len(document):
            document = document[int(key)]
        else:
            return _MISSING
    return document


def _as_json(result: ToolReturnPart) -> Any:
    text = result.model_response_str()
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text_of(parts: Iterable[object]) -> str:
    texts: list[str] = []
    for part in parts:
        match part:
            case UserPromptPart(content=str(text)) | SystemPromptPart(content=text) | TextPart(content=text):
                texts.append(text)
            case UserPromptPart():
                texts += [item for item in part.content if isinstance(item, str)]
            case ToolReturnPart():
                texts.append(part.model_response_str())
            case ToolCallPart():
                texts.append(part.args_as_json_str())
            case _:  # files and the like have no words
                continue
    return "\n".join(texts)


def _usage(messages: Sequence[ModelMessage], text: str | None, calls: Sequence[ToolCallPart]) -> RequestUsage:
    read = sum(len(_text_of(message.parts).split()) for message in messages)
    written = len((text or "").split()) + sum(len(call.args_as_json_str().split()) for call in calls)
    return RequestUsage(input_tokens=read, output_tokens=written)
