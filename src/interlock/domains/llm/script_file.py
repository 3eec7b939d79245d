"""Reads conversation files: what a scripted model will say, turn by turn. Every error names the turn and the field."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from interlock.kit.errors import InterlockError, Kind


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Expectation(_Strict):
    """What the newest message of the conversation must contain for the script to go on."""

    contains: str = Field(min_length=1)


class Draft(_Strict):
    """A text that a real model writes when the turn is played."""

    prompt: str = Field(min_length=1)
    max_tokens: int = Field(default=120, ge=1)


class DraftValue(_Strict):
    """An argument `{"$draft": {...}}`."""

    draft: Draft = Field(alias="$draft")


class PointerValue(_Strict):
    """An argument `{"$from": "/json/pointer"}` into the last tool result (RFC 6901)."""

    pointer: str = Field(alias="$from", pattern=r"^(/([^~/]|~[01])*)*$")


class ScriptedCall(_Strict):
    """One tool call; its arguments may hold `$draft` and `$from` values at any depth."""

    tool: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)


class ScriptedTurn(_Strict):
    """One answer of the scripted model: text, tool calls, or text together with tool calls."""

    expect: Expectation | None = None
    tool_calls: list[ScriptedCall] | None = Field(default=None, min_length=1)
    text: str | None = Field(default=None, pattern=r"\S")

    @model_validator(mode="after")
    def _says_something(self) -> "ScriptedTurn":
        if self.text is None and self.tool_calls is None:
            raise ValueError("give text, tool_calls, or both")
        return self


class Script(_Strict):
    """A whole scripted conversation."""

    label: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    turns: list[ScriptedTurn] = Field(min_length=1)


def load_script(file: Path) -> Script:
    """Read a conversation file.

    Raises:
        InterlockError: INVALID when the file is not a conversation; the message names turn and field.
    """
    return parse_script(file.read_bytes(), source=file.name)


def parse_script(content: bytes | str, *, source: str = "script") -> Script:
    """Read a conversation from JSON text; `source` names it in errors."""
    try:
        document = json.loads(content, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _bad(source, None, None, f"not readable as JSON: {error}") from error
    try:
        script = Script.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)[0]
        turn, field = _place(details)
        raise _bad(source, turn, field, details["msg"]) from error
    for number, turn_entry in enumerate(script.turns, 1):
        for position, call in enumerate(turn_entry.tool_calls or ()):
            for name, value in call.arguments.items():
                place = f"tool_calls[{position}].arguments.{name}"
                if name.startswith("$"):
                    raise _bad(source, number, place, "$draft and $from stand in the place of one argument, not of all")
                _check_values(value, source, number, place)
    return script


def special_value(value: object) -> DraftValue | PointerValue | None:
    """The `$draft` or `$from` value that `value` is, if it is one.

    Raises:
        ValidationError: for an object that starts with `$` but is neither.
    """
    if not isinstance(value, dict) or not any(key.startswith("$") for key in value):
        return None
    return PointerValue.model_validate(value) if "$from" in value else DraftValue.model_validate(value)


def _check_values(value: object, source: str, turn: int, field: str) -> None:
    try:
        special = special_value(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)[0]
        raise _bad(source, turn, field + _path(details["loc"]), details["msg"]) from error
    if special is not None:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_values(inner, source, turn, f"{field}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_values(inner, source, turn, f"{field}[{index}]")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key '{key}' appears twice in one object")
        found[key] = value
    return found


def _place(details: ErrorDetails) -> tuple[int | None, str | None]:
    place = details["loc"]
    if len(place) > 1 and place[0] == "turns" and isinstance(place[1], int):
        return place[1] + 1, _path(place[2:]).lstrip(".") or None
    return None, _path(place).lstrip(".") or None


def _path(place: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)


def _bad(source: str, turn: int | None, field: str | None, reason: str) -> InterlockError:
    where = ", ".join(([f"turn {turn}"] if turn else []) + ([f"field {field}"] if field else []))
    return InterlockError(
        Kind.INVALID,
        f"{source}: {where}: {reason}" if where else f"{source}: {reason}",
        code="bad_script",
        data={"source": source, "turn": turn, "field": field},
        hint="A script is {label, turns: [{expect?: {contains}, tool_calls?: [{tool, arguments}], text?}]}.",
    )
