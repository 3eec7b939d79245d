"""Text with expressions in `{{ }}`, and JSON structures of such texts. A literal `{{` is written `{{ '{{' }}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from interlock.kit.expressions.budget import DEPTH, Budget
from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.expression import Expression
from interlock.kit.expressions.parser import read_tree
from interlock.kit.expressions.values import written

MOST_EXPRESSIONS = 1_000
_CACHED_LENGTH = 2_000
_CACHED = 1_024
_OPENING = "{{"


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text and expressions in turn."""

    parts: tuple[str | Expression, ...]

    @staticmethod
    def parse(text: str) -> "Template":
        """Read a template.

        Raises:
            ExpressionError: an expression in it is none; the position is that in the whole text.
        """
        if _OPENING not in text:
            return Template((text,))
        return _cached(text) if len(text) <= _CACHED_LENGTH else _read(text)

    def names(self) -> frozenset[str]:
        """The root names that its expressions read."""
        return frozenset().union(*(part.names() for part in self.parts if isinstance(part, Expression)))

    def render(self, scope: Mapping[str, Any], *, budget: Budget | None = None) -> str:
        """The text with every expression replaced by its value: null is empty, lists and objects are JSON.

        Raises:
            ExpressionError: an expression does not fit its values, or the budget is spent.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        budget = budget or Budget()
        made: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                made.append(part)
            else:
                made.append(budget.text(written(part.evaluate(scope, budget=budget), budget)))
        return "".join(made)

    def value(self, scope: Mapping[str, Any], *, budget: Budget | None = None) -> Any:
        """The native value where the whole text is one expression, else the rendered text.

        Raises:
            ExpressionError: an expression does not fit its values, or the budget is spent.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].evaluate(scope, budget=budget)
        return self.render(scope, budget=budget)


def _read(text: str) -> Template:
    parts: list[str | Expression] = []
    at, expressions = 0, 0
    while (start := text.find(_OPENING, at)) >= 0:
        expressions += 1
        if expressions > MOST_EXPRESSIONS:
            raise ExpressionError(f"A template has at most {MOST_EXPRESSIONS} expressions.", start)
        tree, end = read_tree(text, start + len(_OPENING), inside=True)
        if start > at:
            parts.append(text[at:start])
        parts.append(Expression.of(tree))
        at = end
    if at < len(text):
        parts.append(text[at:])
    return Template(tuple(parts))


_cached = lru_cache(maxsize=_CACHED)(_read)


def render_deep(value: Any, scope: Mapping[str, Any], *, budget: Budget | None = None) -> Any:
    """A JSON structure with every text in it taken as a template; keys stay as they are.

    Raises:
        ExpressionError: an expression does not fit its values, the structure is nested too deeply, or the budget
            for the whole structure is spent.
    """
    return _deep(value, scope, budget or Budget(), DEPTH)


def _deep(value: Any, scope: Mapping[str, Any], budget: Budget, depth: int) -> Any:
    if isinstance(value, str):
        return Template.parse(value).value(scope, budget=budget) if _OPENING in value else value
    if not isinstance(value, dict | list | tuple):
        return value
    if depth == 0:
        raise ExpressionError(f"A value is nested more than {DEPTH} levels deep.")
    if isinstance(value, dict):
        return {key: _deep(part, scope, budget, depth - 1) for key, part in value.items()}
    return [_deep(part, scope, budget, depth - 1) for part in value]
