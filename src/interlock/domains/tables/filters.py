"""Filters: one meaning, as a condition of the database and as a test of a row in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator, Field
from sqlalchemy import Boolean, Numeric, Text, and_, case, cast, false, func, literal, or_, type_coerce
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

from interlock.domains.tables.columns import ColumnName, by_name
from interlock.domains.tables.errors import wrong_column
from interlock.domains.tables.models import data_rows
from interlock.domains.tables.states import ColumnType, FilterOperator
from interlock.domains.tables.values import WrongValueError, converted
from interlock.domains.tables.views import Column
from interlock.kit.operations import Command

MOST_FILTERS = 50
MOST_CHOICES = 1_000
_ORDERING: dict[FilterOperator, Callable[[Any, Any], Any]] = {
    FilterOperator.GT: lambda left, right: left > right,
    FilterOperator.GTE: lambda left, right: left >= right,
    FilterOperator.LT: lambda left, right: left < right,
    FilterOperator.LTE: lambda left, right: left <= right,
}
_WORDS = frozenset({FilterOperator.CONTAINS, FilterOperator.STARTS_WITH})
_ALONE = frozenset({FilterOperator.IS_EMPTY, FilterOperator.IS_NOT_EMPTY})


class Filter(Command):
    """One condition: `{"column": "Status", "operator": "eq", "value": "open"}`."""

    column: ColumnName
    operator: FilterOperator
    value: Any = None


def _from_text(value: Any) -> Any:
    """Filters in a query string are JSON: one object, or a list of them, in each parameter."""
    if not isinstance(value, list | tuple):
        return value
    found: list[Any] = []
    for part in value:
        try:
            read = orjson.loads(part) if isinstance(part, str) else part
        except orjson.JSONDecodeError as error:
            raise ValueError(
                'a filter in the query is JSON, as in {"column":..., "operator":..., "value":...}'
            ) from error
        found.extend(read if isinstance(read, list) else [read])
    return found


Filters = Annotated[tuple[Filter, ...], BeforeValidator(_from_text), Field(max_length=MOST_FILTERS)]
"""Conditions that must all hold."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter checked against its column: the value is of the column's type."""

    column: Column
    operator: FilterOperator
    value: Any


def checked_filters(columns: Sequence[Column], filters: Sequence[Filter]) -> tuple[Condition, ...]:
    """The filters as conditions.

    Raises:
        InterlockError: a column that is not there or is computed, an operator or value that does not fit it.
    """
    return tuple(_checked(by_name(columns, each.column), each) for each in filters)


def _checked(column: Column, given: Filter) -> Condition:
    operator = given.operator
    if column.type is ColumnType.COMPUTED:
        raise wrong_column(column.name, "is computed, and cannot be filtered by.", "Filter by the columns it reads.")
    if operator in _ALONE:
        return Condition(column, operator, None)
    if operator in _WORDS:
        if column.type in {ColumnType.NUMBER, ColumnType.BOOLEAN}:
            raise wrong_column(
                column.name, f"holds no text, so '{operator.value}' does not apply.", "Use eq, gt or lt."
            )
        if not isinstance(given.value, str):
            raise wrong_column(column.name, f"is searched for text with '{operator.value}'.", "Send 'value' as text.")
        return Condition(column, operator, given.value)
    if column.type is ColumnType.BOOLEAN and operator in _ORDERING:
        raise wrong_column(column.name, f"has no order, so '{operator.value}' does not apply.", "Use eq or ne.")
    if operator is FilterOperator.IN:
        if not isinstance(given.value, list | tuple) or not 0 < len(given.value) <= MOST_CHOICES:
            raise wrong_column(column.name, f"needs a list of 1 to {MOST_CHOICES} values for 'in'.")
        return Condition(column, operator, tuple(_value(column, value) for value in given.value))
    return Condition(column, operator, _value(column, given.value))


def _value(column: Column, value: Any) -> Any:
    """What to compare with; options that are gone and addresses cut short may still be asked for."""
    is_plain = column.type not in {ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.DATE}
    like = column.model_copy(update={"required": False, **({"type": ColumnType.TEXT} if is_plain else {})})
    try:
        found = converted(like, value)
    except WrongValueError as error:
        raise wrong_column(column.name, f"cannot be compared: it {error}") from error
    if found is None:
        raise wrong_column(column.name, "is compared with nothing.", "Use is_empty or is_not_empty.")
    return found


def matches(conditions: Sequence[Condition], stored: Mapping[str, Any]) -> bool:
    """Whether a row, under keys, meets all conditions."""
    return all(_meets(condition, stored.get(condition.column.key)) for condition in conditions)


def _meets(condition: Condition, value: Any) -> bool:
    match condition.operator:
        case FilterOperator.IS_EMPTY:
            return value is None or value == ""
        case FilterOperator.IS_NOT_EMPTY:
            return value is not None and value != ""
        case FilterOperator.NE:
            return value is None or bool(value != condition.value)
    if value is None:
        return False
    match condition.operator:
        case FilterOperator.EQ:
            return bool(value == condition.value)
        case FilterOperator.IN:
            return value in condition.value
        case FilterOperator.CONTAINS:
            return condition.value.lower() in value.lower()
        case FilterOperator.STARTS_WITH:
            return bool(value.lower().startswith(condition.value.lower()))
    return bool(_ORDERING[condition.operator](value, condition.value))


def clause(conditions: Sequence[Condition], *, postgres: bool) -> ColumnElement[bool]:
    """The conditions for the database."""
    return and_(*(_clause(condition, postgres=postgres) for condition in conditions))


def _clause(condition: Condition, *, postgres: bool) -> ColumnElement[bool]:
    cell = cell_of(condition.column, postgres=postgres)
    value = condition.value
    if condition.column.type is ColumnType.NUMBER and postgres:
        value = tuple(map(_decimal, value)) if isinstance(value, tuple) else _decimal(value)
    match condition.operator:
        case FilterOperator.IS_EMPTY:
            return cell.is_(None) if _is_typed(condition.column) else or_(cell.is_(None), cell == "")
        case FilterOperator.IS_NOT_EMPTY:
            return cell.is_not(None) if _is_typed(condition.column) else and_(cell.is_not(None), cell != "")
        case FilterOperator.NE:
            return or_(cell.is_(None), cell != value)
        case FilterOperator.EQ:
            return _same(cell, value)
        case FilterOperator.IN:
            return cell.in_(value) if value else false()
        case FilterOperator.CONTAINS:
            return _folded(condition.column, postgres=postgres).contains(value.lower(), autoescape=True)
        case FilterOperator.STARTS_WITH:
            return _folded(condition.column, postgres=postgres).startswith(value.lower(), autoescape=True)
        case _:
            return _ordered(condition.operator, cell, value)


def _same(cell: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    compared: ColumnElement[bool] = cell == value
    return compared


def _ordered(operator: FilterOperator, cell: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    compared: ColumnElement[bool] = _ORDERING[operator](cell, value)
    return compared


def _decimal(value: Any) -> Any:
    return value if value is None else Decimal(repr(value))


def _is_typed(column: Column) -> bool:
    return column.type in {ColumnType.NUMBER, ColumnType.BOOLEAN}


def cell_of(column: Column, *, postgres: bool) -> ColumnElement[Any]:
    """The value of a column in the database's JSON; text orders by code point on both databases."""
    if not postgres:
        kind: TypeEngine[Any] = Text()
        if _is_typed(column):
            kind = Boolean() if column.type is ColumnType.BOOLEAN else Numeric(asdecimal=False)
        found: ColumnElement[Any] = func.json_extract(data_rows.c.data, literal(f"$.{column.key}"), type_=kind)
        return found
    text = type_coerce(data_rows.c.data.op("->>")(literal(column.key)), Text)
    if column.type is ColumnType.NUMBER:
        # The planner may look at rows of other tables first, where the same key holds text.
        is_number = func.jsonb_typeof(data_rows.c.data.op("->")(literal(column.key))) == "number"
        return case((is_number, cast(text, Numeric)))
    if column.type is ColumnType.BOOLEAN:
        return case((text == "true", True), (text == "false", False))
    return text.collate("C")


def _folded(column: Column, *, postgres: bool) -> ColumnElement[str]:
    """Text in small letters; on PostgreSQL by the database's own rules, since those of "C" end at ASCII."""
    if postgres:
        return func.lower(data_rows.c.data.op("->>")(literal(column.key)), type_=Text())
    return func.unicode_lower(cell_of(column, postgres=False), type_=Text())


def search_clause(columns: Sequence[Column], words: str, *, postgres: bool) -> ColumnElement[bool]:
    """Rows with these words in any column of text."""
    textual = [column for column in columns if column.type is not ColumnType.COMPUTED and not _is_typed(column)]
    cells = [_folded(column, postgres=postgres) for column in textual]
    return or_(false(), *(cell.contains(words.lower(), autoescape=True) for cell in cells))
