"""What is sent to llama.cpp and what is believed of its answer; pure functions."""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import jsonschema_rs

from interlock.kit.errors import InterlockError, Kind, invalid

# A model this small fills an unbounded string or list until its tokens run out.
_STRING_BOUND, _ARRAY_BOUND = 400, 16
_CONTROL_TOKEN = re.compile(r"<(?=\|[a-z_]+\|>)")
_SUBSCHEMAS = ("properties", "$defs", "definitions", "patternProperties")
_SUBSCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_STRING_FACTS = frozenset({"maxLength", "enum", "const", "format", "pattern"})


class FinishReason(StrEnum):
    """Why the model stopped: it was done, or `max_tokens` ran out."""

    STOP = "stop"
    LENGTH = "length"


def native_request(
    turns: Sequence[Mapping[str, str]], sampling: Mapping[str, Any], schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The llama.cpp request for a conversation.

    Raises:
        InterlockError: INVALID when there is nothing to answer.
    """
    if not turns:
        raise invalid("messages is empty.", field="messages", hint="Send at least one user message.")
    if turns[-1]["role"] == "assistant":
        raise invalid(
            "The last message is the assistant's own: there is nothing to answer.",
            field="messages",
            hint="End the conversation with a user message.",
        )
    request: dict[str, Any] = {
        "messages": [{"role": turn["role"], "content": without_control_tokens(turn["content"])} for turn in turns],
        **sampling,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }
    if schema is not None:
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": bounded_schema(schema), "strict": True},
        }
    return request


def without_control_tokens(text: str) -> str:
    """Break the model's control tokens in a text with a zero-width joiner: llama.cpp would obey them."""
    return _CONTROL_TOKEN.sub("<\u200d", text)


def checked_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema if it is one: llama.cpp silently generates free text for a schema it cannot read."""
    try:
        jsonschema_rs.validator_for(dict(schema))
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise invalid(f"json_schema is not a valid JSON Schema: {reason}", field="json_schema") from error
    return schema


def check_answer(text: str, schema: Mapping[str, Any]) -> None:
    """Raise unless a finished answer is JSON that keeps to the schema."""
    try:
        jsonschema_rs.validator_for(dict(schema)).validate(json.loads(text))
    except ValueError as error:
        raise InterlockError(
            Kind.UPSTREAM,
            f"The embedded model's answer does not keep to json_schema: {str(error).splitlines()[0]}",
            code="schema_not_kept",
            data={"field": "json_schema"},
            hint="Use a simpler schema, or route to a larger model.",
        ) from error


def bounded_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with a length on every string and list that has none."""
    bounded = dict(schema)
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if "string" in kinds and not _STRING_FACTS & schema.keys():
        bounded["maxLength"] = max(_STRING_BOUND, schema.get("minLength", 0))
    if "array" in kinds and "maxItems" not in schema:
        bounded["maxItems"] = max(_ARRAY_BOUND, schema.get("minItems", 0))
    for key in _SUBSCHEMAS:
        if isinstance(named := schema.get(key), Mapping):
            bounded[key] = {name: _bounded(inner) for name, inner in named.items()}
    for key in _SUBSCHEMA_LISTS:
        if isinstance(listed := schema.get(key), list):
            bounded[key] = [_bounded(inner) for inner in listed]
    for key in ("items", "additionalProperties"):
        if key in schema:
            bounded[key] = _bounded(schema[key])
    return bounded


def _bounded(schema: object) -> object:
    return bounded_schema(schema) if isinstance(schema, Mapping) else schema
