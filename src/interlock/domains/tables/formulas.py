"""Computed columns: in the order of what they read, aggregates over all rows once per page, never once per row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from interlock.domains.tables.views import Column
from interlock.kit.expressions import Budget, Expression, ExpressionError, parse_formula
from interlock.kit.expressions.nodes import Access, Call, Literal, Name, Node, walk

CYCLE = "#CYCLE"
ERROR = "#ERROR"
MOST_ROWS = 100_000
"""Beyond so many rows, an aggregate is an error rather than a wait."""
_AGGREGATES = frozenset({"sum", "avg", "min", "max", "count"})
_TOTALS = "\x00"  # no column can be called so
_PAGE_STEPS = 2_000_000
_PAGE_SIZE = 10_000_000
_TABLE_STEPS = 10_000_000


@dataclass(frozen=True, slots=True)
class Formula:
    """One computed column, its aggregates replaced by names of lists."""

    name: str
    expression: Expression
    reads: frozenset[str]
    aggregates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Formulas:
    """All computed columns of a table, those first which others read."""

    formulas: tuple[Formula, ...]
    cyclic: frozenset[str]
    aggregates: Mapping[str, Expression]
    wide: frozenset[str]

    @property
    def needs_all_rows(self) -> bool:
        """Whether a formula looks at the whole table."""
        return bool(self.aggregates)

    def compute(self, page: Sequence[dict[str, Any]], table: Sequence[dict[str, Any]] | None, now: datetime) -> None:
        """Fill in the computed columns of rows keyed by name.

        Args:
            page: the rows to fill in.
            table: all rows, where a formula needs them; None leaves out the columns that do, ERROR values where
                there are too many rows belong to the caller.
            now: the time for `today()` and `now()`.
        """
        budget = Budget(_PAGE_STEPS, _PAGE_SIZE)
        whole = Budget(_TABLE_STEPS, _PAGE_SIZE)
        totals: dict[str, list[Any] | None] = {}
        left_out: set[str] = set()
        for formula in self.formulas:
            if table is None and (formula.aggregates or formula.reads & left_out):
                left_out.add(formula.name)
                continue
            for text in formula.aggregates:
                if text not in totals:
                    totals[text] = self._list(text, table or (), totals, whole, now)
            for row in table or () if formula.name in self.wide else ():
                row[formula.name] = self._cell(formula, row, totals, whole, now)
            for row in page:
                row[formula.name] = self._cell(formula, row, totals, budget, now)
        for row in page:
            row.update(dict.fromkeys(self.cyclic, CYCLE))

    def _cell(
        self, formula: Formula, row: dict[str, Any], totals: Mapping[str, Any], budget: Budget, now: datetime
    ) -> Any:
        if formula.reads & self.cyclic or any(totals[text] is None for text in formula.aggregates):
            return ERROR
        if any(row.get(other.name) == ERROR for other in self.formulas if other.name in formula.reads):
            return ERROR
        row[_TOTALS] = totals
        try:
            return formula.expression.evaluate(row, budget=budget, now=now)
        except ExpressionError:
            return ERROR
        finally:
            del row[_TOTALS]

    def _list(
        self, text: str, table: Sequence[dict[str, Any]], totals: Mapping[str, Any], budget: Budget, now: datetime
    ) -> list[Any] | None:
        """What an aggregate works on, nulls left out; None where a row has an error."""
        expression = self.aggregates[text]
        formula = Formula(text, expression, expression.names() - {_TOTALS}, _lists_in(expression.tree))
        values = [self._cell(formula, row, totals, budget, now) for row in table]
        return None if ERROR in values else [value for value in values if value is not None]


def _lists_in(tree: Node) -> tuple[str, ...]:
    """The lists that a tree without aggregates names."""
    return tuple(
        str(step.value)
        for node, _ in walk(tree)
        if isinstance(node, Access) and node.root == Name(_TOTALS)
        for step in node.steps
        if isinstance(step, Literal)
    )


@lru_cache(maxsize=256)
def compile_formulas(columns: tuple[Column, ...]) -> Formulas | None:
    """The formulas of a table's columns; None where there are none."""
    parsed = {column.name: parse_formula(column.formula) for column in columns if column.formula is not None}
    if not parsed:
        return None
    reads = {name: expression.names() for name, expression in parsed.items()}
    reach = {name: _reached(name, reads) for name in parsed}
    cyclic = frozenset(name for name in parsed if name in reach[name])
    aggregates: dict[str, Expression] = {}
    formulas: list[Formula] = []
    for name in sorted(
        (name for name in parsed if name not in cyclic), key=lambda name: len(reach[name] & set(parsed))
    ):
        expression = _without_aggregates(parsed[name], aggregates)
        formulas.append(Formula(name, expression, reads[name], _needed(expression, aggregates)))
    wide = {name for expression in aggregates.values() for name in expression.names()}
    wide |= {other for name in wide & set(parsed) for other in reach[name]}
    return Formulas(tuple(formulas), cyclic, aggregates, frozenset(wide & set(parsed)))


def _reached(name: str, reads: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(reads[name])
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(reads.get(current, ()))
    return frozenset(found)


def _without_aggregates(expression: Expression, into: dict[str, Expression]) -> Expression:
    """The expression with `sum({{x}})` turned into the sum of a list that is made once for all rows."""

    def change(node: Node) -> Node | None:
        if not isinstance(node, Call) or node.function not in _AGGREGATES or len(node.arguments) != 1:
            return None
        inner = Expression.of(node.arguments[0])
        if not inner.names():
            return None
        text = inner.formula()
        if text not in into:
            into[text] = _without_aggregates(inner, into)
        return Call(node.function, (Access(Name(_TOTALS), (Literal(text),)),), at=node.at)

    return expression.rewritten(change)


def _needed(expression: Expression, aggregates: Mapping[str, Expression]) -> tuple[str, ...]:
    """The aggregates of an expression, those inside others first."""
    found: list[str] = []
    for text in _lists_in(expression.tree):
        found.extend(_needed(aggregates[text], aggregates))
        found.append(text)
    return tuple(dict.fromkeys(found))
