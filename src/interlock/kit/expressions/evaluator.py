"""The interpreter: walks the tree over a scope, within a budget."""

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from interlock.kit.expressions.budget import Budget
from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.functions import FUNCTIONS, Moment
from interlock.kit.expressions.functions.dates import read
from interlock.kit.expressions.functions.registry import MANY
from interlock.kit.expressions.nodes import (
    Access,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    ListOf,
    Literal,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    ObjectOf,
)
from interlock.kit.expressions.values import before, calculate, is_list, is_number, kind, number, same, truth, within

Scope: TypeAlias = Mapping[str, Any]
EACH = frozenset({"map", "filter", "find", "any", "all", "sort"})
"""Functions whose later arguments are evaluated once for each element, with these names added to the scope."""
EACH_NAMES = frozenset({"item", "index"})
SPECIAL: dict[str, tuple[int, int]] = {
    "if": (2, 3),
    "default": (1, MANY),
    "coalesce": (1, MANY),
    "map": (2, 2),
    "filter": (2, 2),
    "find": (2, 2),
    "any": (1, 2),
    "all": (1, 2),
    "sort": (1, 3),
}
"""Functions that decide themselves which of their arguments to evaluate: how many they take."""
_SHOWN_NAMES = 20


class Evaluation:
    """One walk over one tree."""

    __slots__ = ("_budget", "_element", "_moment", "_now", "_scope")

    def __init__(self, scope: Scope, budget: Budget, now: datetime | None) -> None:
        self._scope = scope
        self._element: dict[str, Any] = {}
        self._budget = budget
        self._now = now
        self._moment = Moment(budget, self._read_now)

    def value(self, node: Node) -> Any:
        """The value of a part of the tree."""
        self._budget.spend()
        try:
            return self._handlers[type(node)](self, node)
        except ExpressionError as error:
            raise error.located(node.at) from None

    def _read_now(self) -> datetime:
        if self._now is None:
            given = self._scope.get("now")
            if not isinstance(given, datetime | str):
                raise ExpressionError("the time is not known here ('now' is missing from the values).")
            self._now = read(given.isoformat() if isinstance(given, datetime) else given)
        return self._now

    def _literal(self, node: Literal) -> Any:
        return node.value

    def _name(self, node: Name) -> Any:
        if node.name in self._element:
            return self._element[node.name]
        try:
            return self._scope[node.name]
        except KeyError:
            known = sorted(map(str, self._scope))
            names = ", ".join(known[:_SHOWN_NAMES]) + (", …" if len(known) > _SHOWN_NAMES else "")
            raise ExpressionError(f"'{node.name}' is not known here; known are: {names or 'no names'}.") from None

    def _access(self, node: Access) -> Any:
        value = self.value(node.root)
        for step in node.steps:
            key = self.value(step)
            try:
                value = _part(value, key)
            except ExpressionError as error:
                raise error.located(step.at) from None
        return value

    def _list(self, node: ListOf) -> Any:
        return self._budget.container([self.value(item) for item in node.items])

    def _object(self, node: ObjectOf) -> Any:
        return self._budget.container(dict(zip(node.keys, map(self.value, node.values), strict=True)))

    def _negative(self, node: Negative) -> Any:
        value = self.value(node.operand)
        if not is_number(value):
            raise ExpressionError(f"Cannot negate {kind(value)}; a number is needed.")
        return number(-value)

    def _not(self, node: Not) -> Any:
        return not truth(self.value(node.operand))

    def _arithmetic(self, node: Arithmetic) -> Any:
        result = self.value(node.first)
        for operator, part in zip(node.operators, node.rest, strict=True):
            result = calculate(operator, result, self.value(part), self._budget)
        return result

    def _comparison(self, node: Comparison) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        match node.operator:
            case "==":
                return same(left, right, self._budget)
            case "!=":
                return not same(left, right, self._budget)
            case "in":
                return within(left, right, self._budget)
            case "<":
                return before(left, right, self._budget) < 0
            case "<=":
                return before(left, right, self._budget) <= 0
            case ">":
                return before(left, right, self._budget) > 0
            case _:
                return before(left, right, self._budget) >= 0

    def _logic(self, node: Logic) -> Any:
        value = None
        for item in node.items:
            value = self.value(item)
            if _decided(node.operator, value):
                return value
        return value

    def _condition(self, node: Condition) -> Any:
        return self.value(node.then if truth(self.value(node.test)) else node.otherwise)

    def _call(self, node: Call) -> Any:
        function = FUNCTIONS.get(node.function)
        if function is not None:
            return function(self._moment, [self.value(argument) for argument in node.arguments])
        if node.function == "if":
            return self._if(node.arguments)
        if node.function in EACH:
            return self._each(node)
        return self._logic(Logic("??", node.arguments, at=node.at))

    def _if(self, arguments: tuple[Node, ...]) -> Any:
        if truth(self.value(arguments[0])):
            return self.value(arguments[1])
        return self.value(arguments[2]) if len(arguments) > 2 else None

    def _each(self, node: Call) -> Any:
        values = self.value(node.arguments[0])
        if not is_list(values):
            raise ExpressionError(f"{node.function}(): argument 1 must be a list, not {kind(values)}.")
        results = self._over(values, node.arguments[1]) if len(node.arguments) > 1 else iter(values)
        match node.function:
            case "map":
                return self._budget.container(list(results))
            case "filter":
                kept = [value for value, result in zip(values, results, strict=True) if truth(result)]
                return self._budget.container(kept)
            case "find":
                return next((value for value, result in zip(values, results, strict=False) if truth(result)), None)
            case "any":
                return any(map(truth, results))
            case "all":
                return all(map(truth, results))
            case _:
                return self._sorted(values, list(results), node)

    def _over(self, values: list[Any], body: Node) -> Iterator[Any]:
        outside = self._element
        try:
            for index, item in enumerate(values):
                self._element = {"item": item, "index": index}
                result = self.value(body)
                self._element = outside
                yield result
        finally:
            self._element = outside

    def _sorted(self, values: list[Any], keys: list[Any], node: Call) -> Any:
        order = self.value(node.arguments[2]) if len(node.arguments) > 2 else "asc"
        if order not in ("asc", "desc"):
            raise ExpressionError("sort(): argument 3 must be 'asc' or 'desc'.")
        self._budget.spend(len(values))
        compare = functools.cmp_to_key(lambda a, b: before(a, b, self._budget))
        filled = [index for index, key in enumerate(keys) if key is not None]
        if len(filled) == 1:
            before(keys[filled[0]], keys[filled[0]], self._budget)
        filled.sort(key=lambda index: compare(keys[index]), reverse=order == "desc")
        empty = [index for index, key in enumerate(keys) if key is None]
        return self._budget.container([values[index] for index in (*filled, *empty)])

    _handlers: ClassVar[dict[type[Node], Callable[["Evaluation", Any], Any]]] = {
        Literal: _literal,
        Name: _name,
        Access: _access,
        ListOf: _list,
        ObjectOf: _object,
        Negative: _negative,
        Not: _not,
        Arithmetic: _arithmetic,
        Comparison: _comparison,
        Logic: _logic,
        Condition: _condition,
        Call: _call,
    }


def _decided(operator: str, value: Any) -> bool:
    if operator == "??":
        return value is not None
    return truth(value) is (operator == "or")


def _part(value: Any, key: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        if isinstance(key, str):
            return value.get(key)
        raise ExpressionError(f"The key of an object must be text, not {kind(key)}.")
    if is_list(value) or isinstance(value, str):
        if isinstance(key, int) and not isinstance(key, bool):
            return value[key] if -len(value) <= key < len(value) else None
        raise ExpressionError(f"A part of {kind(value)} is named by a whole number, not by {_shown(key)}.")
    raise ExpressionError(f"{kind(value).capitalize()} has no parts, so '{_shown(key)}' cannot be read.")


def _shown(key: Any) -> str:
    return f"'{key[:40]}'" if isinstance(key, str) else kind(key)
