"""Conditions of n8n's IF, Filter and Switch as expressions, of both generations of their settings."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from interlock.domains.workflows.n8n.expressions import Reader
from interlock.domains.workflows.n8n.words import lack, quoted

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_SIMPLE = re.compile(r"[\w.()]+|'[^'\\]*'")
_PATTERN = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)

# Older names of operations, with those that they have now.
_NOW_CALLED = {
    "equal": "equals",
    "notEqual": "notEquals",
    "larger": "gt",
    "largerEqual": "gte",
    "smaller": "lt",
    "smallerEqual": "lte",
    "isEmpty": "empty",
    "isNotEmpty": "notEmpty",
}
_COMPARED: dict[str, Callable[[str, str], str]] = {
    "equals": lambda left, right: f"{left} == {right}",
    "notEquals": lambda left, right: f"{left} != {right}",
    "gt": lambda left, right: f"{left} > {right}",
    "gte": lambda left, right: f"{left} >= {right}",
    "lt": lambda left, right: f"{left} < {right}",
    "lte": lambda left, right: f"{left} <= {right}",
    "contains": lambda left, right: f"contains({left} ?? '', {right})",
    "notContains": lambda left, right: f"!contains({left} ?? '', {right})",
    "startsWith": lambda left, right: f"starts_with({left} ?? '', {right})",
    "notStartsWith": lambda left, right: f"!starts_with({left} ?? '', {right})",
    "endsWith": lambda left, right: f"ends_with({left} ?? '', {right})",
    "notEndsWith": lambda left, right: f"!ends_with({left} ?? '', {right})",
    "regex": lambda left, right: f"matches({left} ?? '', {right})",
    "notRegex": lambda left, right: f"!matches({left} ?? '', {right})",
    "lengthEquals": lambda left, right: f"length({left} ?? '') == {right}",
    "lengthNotEquals": lambda left, right: f"length({left} ?? '') != {right}",
    "lengthGt": lambda left, right: f"length({left} ?? '') > {right}",
    "lengthLt": lambda left, right: f"length({left} ?? '') < {right}",
    "lengthGte": lambda left, right: f"length({left} ?? '') >= {right}",
    "lengthLte": lambda left, right: f"length({left} ?? '') <= {right}",
}
_ALONE: dict[str, Callable[[str], str]] = {
    "exists": lambda value: f"{value} != null",
    "notExists": lambda value: f"{value} == null",
    "empty": lambda value: f"length({value} ?? '') == 0",
    "notEmpty": lambda value: f"length({value} ?? '') > 0",
    "true": lambda value: f"{value} == true",
    "false": lambda value: f"{value} == false",
}


def condition(reader: Reader, settings: Any, combined: Any = None) -> str:
    """One expression for a set of conditions.

    Args:
        settings: the parameter `conditions`.
        combined: the older settings' `combineOperation`.

    Raises:
        NoCounterpartError: a part of it cannot be said in our language.
    """
    if not isinstance(settings, Mapping):
        lack("its conditions are not understood")
    listed = settings.get("conditions")
    if isinstance(listed, list):
        parts = [_modern(reader, item) for item in listed]
        joiner = " or " if settings.get("combinator") == "or" else " and "
    else:
        parts = [
            comparison(reader, kind, item.get("value1"), item.get("operation"), item.get("value2"))
            for kind, items in settings.items()
            if isinstance(items, list)
            for item in items
            if isinstance(item, Mapping)
        ]
        joiner = " or " if combined == "any" else " and "
    if not parts:
        lack("it has no conditions")
    return joiner.join(parts) if len(parts) == 1 else joiner.join(f"({part})" for part in parts)


def _modern(reader: Reader, item: Any) -> str:
    operator = item.get("operator") if isinstance(item, Mapping) else None
    if not isinstance(operator, Mapping):
        lack("a condition is not understood")
    return comparison(
        reader, operator.get("type"), item.get("leftValue"), operator.get("operation"), item.get("rightValue")
    )


def comparison(reader: Reader, kind: Any, left: Any, operation: Any, right: Any) -> str:
    """One comparison.

    Raises:
        NoCounterpartError: the operation or an operand has none.
    """
    fallback = "true" if kind == "boolean" and operation is None else "equals"
    name = operation if isinstance(operation, str) else fallback
    name = _NOW_CALLED.get(name, name)
    if kind == "dateTime":
        lack("dates cannot be compared here the way n8n does it")
    value = _grouped(reader.operand(_typed(kind, left)))
    if name in _ALONE:
        return _ALONE[name](value)
    if name not in _COMPARED:
        lack(f"the operation '{name[:40]}' is not known")
    if name in {"regex", "notRegex"}:
        return _COMPARED[name](value, _pattern(reader, right))
    return _COMPARED[name](value, _grouped(reader.operand(_typed(kind, right))))


def _typed(kind: Any, value: Any) -> Any:
    """A number or a yes that the file writes as text."""
    if isinstance(value, str) and kind == "number" and _NUMBER.fullmatch(value.strip()):
        return float(value) if "." in value else int(value)
    if isinstance(value, str) and kind == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _pattern(reader: Reader, value: Any) -> str:
    found = _PATTERN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return _grouped(reader.operand(value))
    flags = "".join(flag for flag in found[2] if flag in "ims")
    return quoted((f"(?{flags})" if flags else "") + found[1])


def _grouped(expression: str) -> str:
    return expression if _SIMPLE.fullmatch(expression) else f"({expression})"
