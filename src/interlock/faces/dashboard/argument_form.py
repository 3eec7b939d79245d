"""Arguments of a call as fields of a form, by the tool's JSON schema, and back; a field left alone stays as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from interlock.kit.errors import invalid

PREFIX = "arg."
_LONG = 80


@dataclass(frozen=True, slots=True)
class ArgumentField:
    """One argument.

    Args:
        control: text, textarea, number, select, or code for JSON.
    """

    name: str
    label: str
    control: str
    text: str
    hint: str | None
    options: tuple[tuple[str, str], ...]
    masked: bool


def fields_of(
    schema: Mapping[str, Any] | None,
    arguments: Mapping[str, Any],
    masked: Sequence[str],
    sent: Mapping[str, str] | None,
) -> tuple[ArgumentField, ...]:
    """The fields of a call; what was sent before stands in them again.

    Args:
        masked: paths of which a part is masked.
    """
    known = _properties(schema)
    fields = []
    for name in dict.fromkeys((*known, *arguments)):
        facts = known.get(name, {})
        text = _text(arguments[name]) if name in arguments else ""
        key = PREFIX + name
        shown = text if sent is None else sent.get(key, text)
        is_masked = any(path == name or path.startswith(f"{name}.") for path in masked)
        fields.append(
            ArgumentField(
                name=key,
                label=str(facts.get("title") or name),
                control=_control(facts, arguments.get(name), shown, is_masked=is_masked),
                text=shown,
                hint=facts.get("description"),
                options=_options(facts, name in arguments),
                masked=is_masked,
            )
        )
    return tuple(fields)


def read_fields(
    schema: Mapping[str, Any] | None, arguments: Mapping[str, Any], form: Mapping[str, str]
) -> dict[str, Any]:
    """The arguments that a form says; fields that say what was shown keep the value behind it."""
    known = _properties(schema)
    read: dict[str, Any] = {}
    for name in dict.fromkeys((*known, *arguments)):
        text = form.get(PREFIX + name)
        if name in arguments and (text is None or text == _text(arguments[name])):
            read[name] = arguments[name]
        elif text:
            read[name] = _value(text, known.get(name, {}), arguments.get(name), name)
        elif text == "" and isinstance(arguments.get(name), str) and arguments[name]:
            read[name] = ""
    return read


def _properties(schema: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (schema or {}).get("properties", {})
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _type(facts: Mapping[str, Any], value: Any) -> str:
    told = facts.get("type")
    if isinstance(told, str):
        return told
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if value is None or isinstance(value, str) else "object"


def _control(facts: Mapping[str, Any], value: Any, shown: str, *, is_masked: bool) -> str:
    kind = _type(facts, value)
    if ("enum" in facts or kind == "boolean") and not is_masked:
        return "select"
    if kind in {"object", "array"}:
        return "code"
    if kind in {"integer", "number"} and not is_masked:
        return "number"
    return "textarea" if len(shown) > _LONG or "\n" in shown else "text"


def _options(facts: Mapping[str, Any], is_given: bool) -> tuple[tuple[str, str], ...]:
    values = facts.get("enum") or ([True, False] if facts.get("type") == "boolean" else [])
    found = tuple((_text(value), _text(value)) for value in values)
    return found if is_given else (("", "(not given)"), *found)


def _value(text: str, facts: Mapping[str, Any], before: Any, name: str) -> Any:
    kind = _type(facts, before)
    if kind == "string":
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        what = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}.get(kind, "JSON")
        raise invalid(f"This is not {what}.", field=f"edited_output.{name}") from error
