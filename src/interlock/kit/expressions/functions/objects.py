"""Functions on objects."""

import re
from typing import Any

from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.functions.registry import Function, Moment, declarer
from interlock.kit.expressions.values import is_list

FUNCTIONS: dict[str, Function] = {}
function = declarer(FUNCTIONS)

_STEP = re.compile(r"\[(-?[0-9]{1,9})\]|\.?([^.\[\]]+)")


@function("keys", "object")
def keys(moment: Moment, value: dict[str, Any]) -> list[str]:
    """Its keys, in order."""
    return moment.budget.container(list(value))  # type: ignore[no-any-return]


@function("values", "object")
def values(moment: Moment, value: dict[str, Any]) -> list[Any]:
    """Its values, in order of their keys."""
    return moment.budget.container(list(value.values()))  # type: ignore[no-any-return]


@function("merge", "object", "object*")
def merge(moment: Moment, *objects: dict[str, Any]) -> dict[str, Any]:
    """All keys of all objects; later ones win."""
    moment.budget.make(sum(map(len, objects)))
    merged: dict[str, Any] = {}
    for each in objects:
        merged.update(each)
    return moment.budget.container(merged)  # type: ignore[no-any-return]


@function("get", "any", "text", "any?")
def get(moment: Moment, value: Any, path: str, default: Any = None) -> Any:
    """What lies at a path such as `customer.orders[0].total`; the default where there is nothing."""
    moment.budget.scan(len(path))
    at = 0
    for step in _STEP.finditer(path):
        if step.start() != at:
            break
        at = step.end()
        moment.budget.spend()
        value = _inside(value, step)
    if at != len(path):
        raise ExpressionError(f"'{path[:60]}' is no path; write it as in 'customer.orders[0].total'.")
    return default if value is None else value


def _inside(value: Any, step: re.Match[str]) -> Any:
    index, key = step.groups()
    if key is not None and isinstance(value, dict):
        return value.get(key)
    if is_list(value) and (index is not None or key.isdecimal()):
        position = int(index if index is not None else key[:9])
        return value[position] if -len(value) <= position < len(value) else None
    return None
