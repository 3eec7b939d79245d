"""OpenAI's JSON to the gateway's commands, and the gateway's replies to OpenAI's JSON.

A field this file does not know goes on to providers that speak OpenAI's format; other providers refuse it by name.
"""

import base64
import sys
from array import array
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from interlock.domains.llm.chat import (
    ChatDelta,
    CompleteChat,
    Completion,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from interlock.domains.llm.service import ChatStream, EmbedTexts
from interlock.domains.llm.views import Embeddings, LanguageModel, TokenUsage
from interlock.faces.web.errors import from_validation
from interlock.kit.errors import InterlockError, invalid

ModelT = TypeVar("ModelT", bound=BaseModel)

_CHAT_FIELDS = frozenset(CompleteChat.model_fields) - {"extra"}
_OURS = frozenset({"n", "stream", "stream_options"})
_EMBEDDING_FIELDS = frozenset({"model", "input", "encoding_format", "dimensions"})
DONE = b"data: [DONE]\n\n"


class _StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    include_usage: bool = False
    include_obfuscation: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat completion as asked for."""

    command: CompleteChat
    stream: bool
    include_usage: bool


@dataclass(frozen=True, slots=True)
class EmbeddingsRequest:
    """Embeddings as asked for."""

    command: EmbedTexts
    base64: bool


def chat_request(body: Any) -> ChatRequest:
    """Read a body of POST /v1/chat/completions.

    Raises:
        InterlockError: INVALID, naming the field.
    """
    sent = _fields(body)
    for name in ("model", "messages"):
        if name not in sent:
            raise invalid(f"Missing required parameter: '{name}'.", field=name)
    if sent.get("n", 1) != 1:
        raise invalid("'n' must be 1: one request makes one reply.", field="n", hint="Send several requests.")
    stream = sent.get("stream", False)
    if not isinstance(stream, bool):
        raise invalid("'stream' must be true or false.", field="stream")
    options = _stream_options(sent, stream=stream)
    values: dict[str, Any] = {name: value for name, value in sent.items() if name in _CHAT_FIELDS}
    if len(values) + len(_OURS & sent.keys()) < len(sent):
        values["extra"] = {name: value for name, value in sent.items() if name not in _CHAT_FIELDS | _OURS}
    return ChatRequest(_validated(CompleteChat, values), stream, options.include_usage)


def embeddings_request(body: Any) -> EmbeddingsRequest:
    """Read a body of POST /v1/embeddings."""
    sent = _fields(body)
    for name in sent.keys() - _EMBEDDING_FIELDS:
        raise invalid(f"'{name}' is not supported.", field=name, hint="Leave it out.")
    for name in ("model", "input"):
        if name not in sent:
            raise invalid(f"Missing required parameter: '{name}'.", field=name)
    form = sent.get("encoding_format", "float")
    if form not in {"float", "base64"}:
        raise invalid("'encoding_format' must be 'float' or 'base64'.", field="encoding_format")
    given = sent["input"]
    single = isinstance(given, str) or (isinstance(given, list) and bool(given) and isinstance(given[0], int))
    values = {"texts": [given] if single else given, "model": sent["model"], "dimensions": sent.get("dimensions")}
    return EmbeddingsRequest(_validated(EmbedTexts, values), form == "base64")


def completion_json(completion: Completion) -> bytes:
    """A `chat.completion` object; the provider's own bytes where it speaks this format."""
    if completion.verbatim is not None:
        return completion.verbatim
    message: dict[str, Any] = {"role": "assistant", "content": completion.text, "refusal": None}
    if completion.reasoning:
        message["reasoning_content"] = completion.reasoning
    if completion.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in completion.tool_calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": completion.finish_reason.value}
    return orjson.dumps(
        {
            "id": completion.id,
            "object": "chat.completion",
            "created": int(completion.created.timestamp()),
            "model": shown_model(completion.model, scripted=completion.scripted),
            "choices": [choice],
            "usage": usage_json(completion.usage),
            "system_fingerprint": None,
        }
    )


class Chunks:
    """Turns deltas into `chat.completion.chunk` events."""

    def __init__(self, stream: ChatStream, *, include_usage: bool) -> None:
        self._base: dict[str, Any] = {
            "id": stream.id,
            "object": "chat.completion.chunk",
            "created": int(stream.created.timestamp()),
            "model": shown_model(stream.model, scripted=stream.scripted),
            "system_fingerprint": None,
        }
        self._include_usage = include_usage
        self._first = True

    def of(self, delta: ChatDelta) -> bytes:
        """The event, or events, for one delta."""
        match delta:
            case TextDelta(text=text):
                return self._chunk({"content": text})
            case ReasoningDelta(text=text):
                return self._chunk({"reasoning_content": text})
            case ToolCallDelta():
                return self._chunk({"tool_calls": [_tool_delta(delta)]})
            case Finished():
                return self._chunk({}, delta.reason.value) + self.usage(delta.usage)

    def usage(self, usage: TokenUsage) -> bytes:
        """The event that tells the usage, where it was asked for."""
        if not self._include_usage:
            return b""
        return event({**self._base, "choices": [], "usage": usage_json(usage)})

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        if self._first:
            delta = {"role": "assistant", **({} if "tool_calls" in delta else {"content": ""}), **delta}
            self._first = False
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        value = {**self._base, "choices": [choice]}
        return event({**value, "usage": None} if self._include_usage else value)


def event(value: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def usage_json(usage: TokenUsage) -> dict[str, Any]:
    """Token counts in OpenAI's words."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def embeddings_json(embeddings: Embeddings, *, as_base64: bool) -> bytes:
    """A list of embeddings, as numbers or as base64 of little-endian 32-bit floats."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if as_base64 else vector}
        for index, vector in enumerate(embeddings.vectors)
    ]
    tokens = embeddings.usage.input_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return orjson.dumps({"object": "list", "data": data, "model": embeddings.model, "usage": usage})


def model_json(model: LanguageModel) -> dict[str, Any]:
    """A model object; `created` is required by the format and known to nobody here."""
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}


def shown_model(model: str, *, scripted: bool) -> str:
    """A model's name in replies; a script is always called one."""
    return f"scripted:{model}" if scripted else model


def _tool_delta(delta: ToolCallDelta) -> dict[str, Any]:
    value: dict[str, Any] = {"index": delta.index}
    function: dict[str, Any] = {"arguments": delta.arguments}
    if delta.name is not None:
        value |= {"id": delta.id, "type": "function"}
        function = {"name": delta.name, **function}
    return {**value, "function": function}


def _packed(vector: list[float]) -> str:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def _fields(body: Any) -> dict[str, Any]:
    """The fields that say something: in this format null is the same as absent."""
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return {name: value for name, value in body.items() if value is not None}


def _stream_options(sent: dict[str, Any], *, stream: bool) -> _StreamOptions:
    if "stream_options" not in sent:
        return _StreamOptions()
    if not stream:
        raise invalid("'stream_options' is only allowed when 'stream' is true.", field="stream_options")
    options = _validated(_StreamOptions, sent["stream_options"], "stream_options.")
    if options.include_obfuscation:
        raise invalid("'stream_options.include_obfuscation' is not supported.", field="stream_options")
    return options


def _validated(kind: type[ModelT], value: Any, prefix: str = "") -> ModelT:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        found = from_validation(error)
        raise InterlockError(
            found.kind, found.message, code="invalid_value", data={"field": prefix + str(found.data["field"])}
        ) from error
