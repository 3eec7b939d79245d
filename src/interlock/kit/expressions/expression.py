"""A parsed expression: what it reads, and its value for a scope."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

from interlock.kit.expressions.budget import Budget
from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.evaluator import EACH, EACH_NAMES, Evaluation
from interlock.kit.expressions.lexer import LONGEST
from interlock.kit.expressions.nodes import Call, Name, Node, children, rewrite
from interlock.kit.expressions.parser import read_tree
from interlock.kit.expressions.writer import written_out

_CACHED_LENGTH = 2_000
_CACHED = 1_024


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read without error; equal to every other spelling of the same tree."""

    tree: Node
    _names: frozenset[str] = field(compare=False, repr=False)

    @classmethod
    def of(cls, tree: Node) -> Self:
        """The expression of a tree."""
        found: set[str] = set()
        _collect(tree, frozenset(), found)
        return cls(tree, frozenset(found))

    def names(self) -> frozenset[str]:
        """The root names it reads from the scope."""
        return self._names

    def evaluate(self, scope: Mapping[str, Any], *, budget: Budget | None = None, now: datetime | None = None) -> Any:
        """Its value: JSON for JSON.

        Args:
            scope: the values of root names; `now()` and `today()` read the time from its `now`.
            budget: what it may cost; a fresh one where absent.
            now: the time, where the scope has no room for it.

        Raises:
            ExpressionError: the values do not fit, or the budget is spent.
        """
        return Evaluation(scope, budget or Budget(), now).value(self.tree)

    def rewritten(self, change: Callable[[Node], Node | None]) -> "Expression":
        """The expression with some nodes exchanged; see `nodes.rewrite`."""
        return Expression.of(rewrite(self.tree, change))

    def formula(self) -> str:
        """Its text as a formula: every root name in braces."""
        return written_out(self.tree, references=True)

    def __str__(self) -> str:
        return written_out(self.tree)


def _collect(node: Node, bound: frozenset[str], found: set[str]) -> None:
    if isinstance(node, Name):
        if node.name not in bound:
            found.add(node.name)
    elif isinstance(node, Call) and node.function in EACH:
        for index, argument in enumerate(node.arguments):
            _collect(argument, bound | EACH_NAMES if index == 1 else bound, found)
    else:
        for part in children(node):
            _collect(part, bound, found)


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ExpressionError: it is none; says what is wrong and where.
    """
    return _cached(text, False) if len(text) <= _CACHED_LENGTH else _read(text, False)


def parse_formula(text: str) -> Expression:
    """Read a formula: an expression in which `{{Unit price}}` is the name of a column, spaces and all.

    Raises:
        ExpressionError: it is none; says what is wrong and where.
    """
    return _cached(text, True) if len(text) <= _CACHED_LENGTH else _read(text, True)


def _read(text: str, references: bool) -> Expression:
    if len(text) > LONGEST:
        raise ExpressionError(f"An expression has at most {LONGEST} characters.", LONGEST)
    return Expression.of(read_tree(text, references=references)[0])


_cached = lru_cache(maxsize=_CACHED)(_read)
