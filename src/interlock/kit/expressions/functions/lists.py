"""Functions on lists; those that evaluate an expression over each element belong to the evaluator."""

from collections.abc import Hashable
from typing import Any

from interlock.kit.expressions.functions.registry import Function, Moment, declarer
from interlock.kit.expressions.values import fingerprint, is_list

FUNCTIONS: dict[str, Function] = {}
function = declarer(FUNCTIONS)


@function("first", "list")
def first(moment: Moment, values: list[Any]) -> Any:
    """The first element; null where there is none."""
    return values[0] if values else None


@function("last", "list")
def last(moment: Moment, values: list[Any]) -> Any:
    """The last element; null where there is none."""
    return values[-1] if values else None


@function("unique", "list")
def unique(moment: Moment, values: list[Any]) -> list[Any]:
    """Each value once, where it first occurs."""
    found: dict[Hashable, Any] = {}
    for value in values:
        found.setdefault(fingerprint(value, moment.budget), value)
    return moment.budget.container(list(found.values()))  # type: ignore[no-any-return]


@function("flatten", "list")
def flatten(moment: Moment, values: list[Any]) -> list[Any]:
    """One level of lists inside a list resolved."""
    moment.budget.make(sum(len(value) if is_list(value) else 1 for value in values))
    flat: list[Any] = []
    for value in values:
        if is_list(value):
            flat.extend(value)
        else:
            flat.append(value)
    return moment.budget.container(flat)  # type: ignore[no-any-return]
