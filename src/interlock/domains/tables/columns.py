"""Definitions of columns: what may be asked for, and rows translated between names and keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interlock.domains.tables.errors import wrong_column, wrong_value
from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.values import WrongValueError, checked
from interlock.domains.tables.views import Column, TableId
from interlock.kit.expressions import FormulaText, parse_formula
from interlock.kit.operations import Command

MOST_COLUMNS = 200
MOST_OPTIONS = 500

ColumnName = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[^\s{}\x00]([^{}\x00\r\n]*[^\s{}\x00])?$"),
    Field(description="Unique in its table; no braces, no line breaks."),
]
Options = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")], ...],
    Field(min_length=1, max_length=MOST_OPTIONS),
]


class NewColumn(Command):
    """A column to be: `options` belong to select, `formula` to computed, `table_id` to relation."""

    name: ColumnName
    type: ColumnType
    options: Options | None = None
    formula: FormulaText | None = None
    table_id: TableId | None = None
    required: bool = False

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        check_shape(self)
        return self


def check_shape(column: NewColumn | Column) -> None:
    """Refuse a column that lacks what its type needs, or has what belongs to another."""
    needs = {ColumnType.SELECT: "options", ColumnType.COMPUTED: "formula", ColumnType.RELATION: "table_id"}
    for kind, field in needs.items():
        given = getattr(column, field) is not None
        if column.type is kind and not given:
            raise _problem(f"column '{column.name}' of type {kind.value} needs '{field}'")
        if column.type is not kind and given:
            raise _problem(f"'{field}' belongs to columns of type {kind.value}; '{column.name}' is {column.type.value}")
    if column.options is not None and len(set(column.options)) < len(column.options):
        raise _problem(f"column '{column.name}' names an option twice")
    if column.type is ColumnType.COMPUTED and column.required:
        raise _problem(f"column '{column.name}' is computed, so it cannot be required")


def _problem(text: str) -> PydanticCustomError:
    return PydanticCustomError("column", "{problem}", {"problem": text})


def check_together(columns: Sequence[Column]) -> None:
    """Refuse columns that cannot stand in one table: a name twice, a formula over a column that is not there."""
    if len(columns) > MOST_COLUMNS:
        raise wrong_column(columns[-1].name, f"is one too many: a table has at most {MOST_COLUMNS}.")
    seen: set[str] = set()
    for column in columns:
        if column.name.casefold() in seen:
            raise wrong_column(column.name, "is there twice.", "Give every column a name of its own.")
        seen.add(column.name.casefold())
    names = {column.name for column in columns}
    for column in columns:
        if column.formula is not None:
            missing = sorted(parse_formula(column.formula).names() - names)
            if missing:
                hint = f"Columns of this table: {', '.join(sorted(names - {column.name})) or 'none yet'}."
                raise wrong_column(column.name, f"has a formula over '{missing[0]}', which is no column.", hint)


def by_name(columns: Iterable[Column], name: str) -> Column:
    """The column of this name; raises invalid, naming those there are."""
    known = {column.name: column for column in columns}
    if name not in known:
        raise wrong_column(name, "is not in this table.", f"Its columns: {', '.join(known) or 'none'}.")
    return known[name]


def encode(columns: Sequence[Column], data: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> Any:
    """Row data under keys, checked against the columns' types; null values are not stored.

    Args:
        columns: of the table.
        data: values by column name.
        before: what the row holds, when only some columns are sent.

    Raises:
        InterlockError: a column that is not there, a value that does not fit; names the column and the remedy.
    """
    known = {column.name: column for column in columns}
    for name in data:
        if name not in known:
            writable = ", ".join(column.name for column in columns if column.type is not ColumnType.COMPUTED)
            raise wrong_value(name, "is not in this table.", f"Its columns: {writable or 'none'}.")
    stored = dict(before or {})
    for column in columns:
        if column.name not in data and (before is not None or not column.required):
            continue
        try:
            value = checked(column, data.get(column.name))
        except WrongValueError as error:
            raise wrong_value(column.name, str(error)) from error
        if value is None:
            stored.pop(column.key, None)
        else:
            stored[column.key] = value
    return stored


def decode(columns: Iterable[Column], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Row data by column name; null where there is no value. Computed columns are not among them."""
    return {column.name: stored.get(column.key) for column in columns if column.type is not ColumnType.COMPUTED}
