"""Operations on tables themselves: create, read, change columns, delete."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import PydanticCustomError

from interlock.domains.tables.columns import ColumnName, NewColumn, Options, by_name, check_shape, check_together
from interlock.domains.tables.errors import wrong_column
from interlock.domains.tables.formulas import compile_formulas
from interlock.domains.tables.repository import Rows, Tables, Triggers, columns_json
from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.values import WrongValueError, converted
from interlock.domains.tables.views import Column, Table, TableId
from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.kit.expressions import FormulaText, parse_formula
from interlock.kit.expressions.nodes import Name, Node
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx

_PROBLEMS_SHOWN = 20

TableName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="What people call it.")]
NewColumns = Annotated[tuple[NewColumn, ...], Field(max_length=200)]


class CreateTable(Command):
    """A table to be."""

    name: TableName
    columns: Annotated[NewColumns, Field(min_length=1)]


class TableRef(Command):
    """Which table."""

    table_id: TableId


class ChangeColumn(Command):
    """What to change of one column; absent fields stay."""

    name: ColumnName
    new_name: ColumnName | None = None
    type: ColumnType | None = None
    options: Options | None = None
    formula: FormulaText | None = None
    table_id: TableId | None = None
    required: bool | None = None


class UpdateTable(Command):
    """What to change of a table; absent fields stay. Columns are removed first, then changed, then added."""

    table_id: TableId
    name: TableName | None = None
    add_columns: NewColumns = ()
    change_columns: Annotated[tuple[ChangeColumn, ...], Field(max_length=200)] = ()
    remove_columns: Annotated[tuple[ColumnName, ...], Field(max_length=200)] = ()


@operation("tables.create", scope="tables", effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreateTable) -> Table:
    """Create a table with typed columns."""
    columns = [_column(new, f"c{number}") for number, new in enumerate(command.columns, 1)]
    check_together(columns)
    key = TableId.new()
    await _check_targets(ctx, columns, key)
    return await Tables(ctx).add(
        key,
        name=command.name,
        columns=columns_json(columns),
        version=1,
        next_key=len(columns) + 1,
        row_count=0,
        next_position=0,
        trigger_count=0,
        created_at=ctx.now,
        updated_at=ctx.now,
    )


@operation("tables.get", scope="tables")
async def get(ctx: Ctx, command: TableRef) -> Table:
    """Show a table with its columns."""
    return await Tables(ctx).get(command.table_id)


@operation("tables.list", scope="tables")
async def list_(ctx: Ctx, command: PageQuery) -> Page[Table]:
    """List the workspace's tables, newest first."""
    return await Tables(ctx).page(command)


@operation("tables.delete", scope="tables", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: TableRef) -> TableId:
    """Drop a table with all its rows, their history and its triggers."""
    await Tables(ctx).drop(command.table_id)
    return command.table_id


@operation("tables.update", scope="tables", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateTable) -> Table:
    """Rename a table, or add, change and remove its columns; values are converted, or the change is refused."""
    tables = Tables(ctx)
    table = await tables.locked(command.table_id)
    if command.name is None and "name" in command.model_fields_set:
        raise invalid("'name' cannot be null; leave it out to keep it.", field="name")
    values: dict[str, Any] = {"updated_at": ctx.now}
    if command.name is not None:
        values["name"] = command.name
    columns = await _changed(ctx, table, command)
    if columns != list(table.columns):
        values |= {
            "columns": columns_json(columns),
            "version": table.version + 1,
            "next_key": 1 + max((int(column.key[1:]) for column in (*table.columns, *columns)), default=0),
        }
    return await tables.change(table.id, values)


async def columns(ctx: Ctx, table_id: TableId) -> tuple[Column, ...]:
    """The columns of a table; raises not_found."""
    return (await Tables(ctx).get(table_id)).columns


def _column(new: NewColumn, key: str) -> Column:
    return Column(key=key, **new.model_dump())


async def _check_targets(ctx: Ctx, columns: Sequence[Column], own: TableId) -> None:
    for column in columns:
        if column.table_id is not None and column.table_id != own and await Tables(ctx).find(column.table_id) is None:
            raise wrong_column(
                column.name, f"relates to {column.table_id}, which is no table.", "Create that one first."
            )


async def _changed(ctx: Ctx, table: Table, command: UpdateTable) -> list[Column]:
    """The table's columns after the change, and its rows rewritten to fit."""
    removed = {by_name(table.columns, name).key for name in command.remove_columns}
    columns = [column for column in table.columns if column.key not in removed]
    await _check_triggers(
        ctx, table, removed | {by_name(columns, each.name).key for each in command.change_columns if each.type}
    )
    for change in command.change_columns:
        columns = _with_change(columns, change)
    following = max((int(column.key[1:]) for column in table.columns), default=0) + 1
    columns += [_column(new, f"c{number}") for number, new in enumerate(command.add_columns, following)]
    check_together(columns)
    await _check_targets(ctx, columns, table.id)
    compile_formulas(tuple(columns))
    await _rewrite(ctx, table, columns, removed)
    return columns


async def _check_triggers(ctx: Ctx, table: Table, keys: set[str]) -> None:
    """A trigger's condition would lose its column, or compare with a value of another type."""
    if not keys or table.trigger_count == 0:
        return
    names = {column.key: column.name for column in table.columns}
    for trigger in await Triggers(ctx).of(table.id):
        for condition in trigger.filters:
            if condition.column in keys:
                name = names[condition.column]
                raise wrong_column(name, f"is used by trigger {trigger.id}.", "Change or delete the trigger first.")


def _with_change(columns: list[Column], change: ChangeColumn) -> list[Column]:
    old = by_name(columns, change.name)
    values: dict[str, Any] = {
        name: getattr(change, name)
        for name in ("type", "options", "formula", "table_id", "required")
        if getattr(change, name) is not None
    }
    if change.new_name is not None:
        values["name"] = change.new_name
    kind = values.get("type", old.type)
    belongs = {"options": ColumnType.SELECT, "formula": ColumnType.COMPUTED, "table_id": ColumnType.RELATION}
    for field, owner in belongs.items():
        if kind is not owner and field not in values:
            values[field] = None
    if (kind is ColumnType.COMPUTED) is not (old.type is ColumnType.COMPUTED):
        hint = "Add a column of the new type, and remove this one when it is no longer needed."
        raise wrong_column(old.name, "cannot turn from stored to computed or back.", hint)
    new = old.model_copy(update=values)
    try:
        check_shape(new)
    except PydanticCustomError as error:
        raise invalid(f"{error.message()}.", field="change_columns") from error
    changed = [new if column.key == old.key else column for column in columns]
    return _renamed(changed, old.name, new.name) if new.name != old.name else changed


def _renamed(columns: list[Column], old: str, new: str) -> list[Column]:
    """Formulas speak of columns by name, so they follow a renaming."""

    def change(node: Node) -> Node | None:
        return Name(new, at=node.at) if isinstance(node, Name) and node.name == old else None

    result = []
    for column in columns:
        expression = parse_formula(column.formula) if column.formula is not None else None
        if expression is not None and old in expression.names():
            column = column.model_copy(update={"formula": expression.rewritten(change).formula()})  # noqa: PLW2901
        result.append(column)
    return result


async def _rewrite(ctx: Ctx, table: Table, columns: Sequence[Column], removed: set[str]) -> None:
    """Convert the values of columns whose type, options or duty changed; refuse, naming rows, when one cannot be.

    Raises:
        InterlockError: conflict, with the first rows that stand in the way.
    """
    before = {column.key: column for column in table.columns}
    concerned = [column for column in columns if _is_narrower(before.get(column.key), column)]
    if table.row_count == 0 or not (concerned or removed):
        return
    problems: list[dict[str, str]] = []
    found = 0
    rows = Rows(ctx, table.id)
    async for batch in rows.batches():
        changed: list[tuple[Any, dict[str, Any]]] = []
        for row in batch:
            data = {key: value for key, value in row.data.items() if key not in removed}
            for column in concerned:
                try:
                    value = converted(column, data.pop(column.key, None))
                except WrongValueError as error:
                    found += 1
                    problems.append({"row": str(row.id), "column": column.name, "problem": str(error)})
                else:
                    data |= {} if value is None else {column.key: value}
            if data != row.data:
                changed.append((row.id, data))
        del problems[_PROBLEMS_SHOWN:]
        if not found:
            await rows.change_all(changed)
    if found:
        raise _refused(problems, found)


def _is_narrower(old: Column | None, new: Column) -> bool:
    if new.type is ColumnType.COMPUTED:
        return False
    if old is None:
        return new.required
    loses = old.options is not None and bool(set(old.options) - set(new.options or ()))
    return old.type is not new.type or loses or old.table_id != new.table_id or (new.required and not old.required)


def _refused(problems: list[dict[str, str]], found: int) -> InterlockError:
    first = problems[0]
    return InterlockError(
        Kind.CONFLICT,
        f"{found} value(s) do not fit. The first, in row {first['row']}: '{first['column']}' {first['problem']}",
        code="values_do_not_fit",
        data={"rows": problems, "count": found},
        hint="Change or clear these values first, then change the column.",
    )
