"""Operations on rows: append, read, change, delete, go back."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.tables.columns import by_name, decode, encode
from interlock.domains.tables.errors import wrong_column, wrong_value
from interlock.domains.tables.filters import Filters, cell_of, checked_filters, clause, search_clause
from interlock.domains.tables.firing import fire
from interlock.domains.tables.formulas import ERROR, MOST_ROWS, compile_formulas
from interlock.domains.tables.repository import Rows, StoredRow, Tables
from interlock.domains.tables.states import ColumnType, RowEvent
from interlock.domains.tables.values import WrongValueError, converted
from interlock.domains.tables.views import Column, Row, RowId, RowPage, RowVersion, Table, TableId, VersionId
from interlock.kit.errors import conflict
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import MAXIMUM_OFFSET
from interlock.runtime.context import Ctx

_TRIES = 5
MOST_ROWS_PER_PAGE = 1_000
_VERSIONS_SHOWN = 200

Data = Annotated[dict[str, Any], Field(description="Values by column name.")]


class AppendRow(Command):
    """A row to add."""

    table_id: TableId
    data: Data


class RowRef(Command):
    """Which row."""

    table_id: TableId
    row_id: RowId


class UpdateRow(RowRef):
    """The columns to change; absent ones stay, null clears."""

    data: Data


class RollBackRow(RowRef):
    """Which former version to go back to."""

    version_id: VersionId


class ListRows(Command):
    """Which rows, in which order, and which page of them."""

    table_id: TableId
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS_PER_PAGE)] = 50
    offset: Annotated[int, Field(ge=0, le=MAXIMUM_OFFSET)] = 0
    filters: Filters = ()
    sort: Annotated[
        tuple[Annotated[str, Field(max_length=101)], ...],
        Field(max_length=10, description="Column names in order of weight; '-' before one sorts from high to low."),
    ] = ()
    search: Annotated[str, Field(max_length=200, description="Words that a column of text must hold.")] = ""


@operation("tables.append", scope="tables", effect=Effect.WRITE)
async def append(ctx: Ctx, command: AppendRow) -> Row:
    """Add a row to a table, checked against its columns."""
    return await append_row(ctx, command)


@operation("tables.get_row", scope="tables")
async def get_row(ctx: Ctx, command: RowRef) -> Row:
    """Show one row, formulas included."""
    table = await Tables(ctx).get(command.table_id)
    return (await present(ctx, table, [await Rows(ctx, table.id).get(command.row_id)]))[0]


@operation("tables.list_rows", scope="tables")
async def list_rows(ctx: Ctx, command: ListRows) -> RowPage:
    """Show a page of a table's rows, filtered, searched and sorted, with the count of all that match."""
    table = await Tables(ctx).get(command.table_id)
    rows = Rows(ctx, table.id)
    postgres = (await ctx.session()).is_postgres
    conditions = None
    if command.filters:
        conditions = clause(checked_filters(table.columns, command.filters), postgres=postgres)
    if command.search:
        found = search_clause(table.columns, command.search, postgres=postgres)
        conditions = found if conditions is None else conditions & found
    order = [_order(table, each, postgres=postgres) for each in command.sort]
    page = await rows.page(conditions, order, command.limit, command.offset)
    total = table.row_count if conditions is None else await rows.count(conditions)
    return RowPage(tuple(await present(ctx, table, page)), total, command.limit, command.offset)


@operation("tables.update_row", scope="tables", effect=Effect.WRITE)
async def update_row(ctx: Ctx, command: UpdateRow) -> Row:
    """Change some columns of a row; what it held before is kept in its history."""
    return await change_row(ctx, command)


@operation("tables.delete_row", scope="tables", effect=Effect.WRITE)
async def delete_row(ctx: Ctx, command: RowRef) -> RowId:
    """Delete a row; what it held is kept in its history, from where it can come back."""
    return await remove_row(ctx, command)


@operation("tables.row_history", scope="tables")
async def row_history(ctx: Ctx, command: RowRef) -> tuple[RowVersion, ...]:
    """Show what a row held before each change, newest first, also when it has been deleted."""
    table = await Tables(ctx).get(command.table_id)
    rows = Rows(ctx, table.id)
    versions = await rows.versions(command.row_id, _VERSIONS_SHOWN)
    if not versions:
        await rows.get(command.row_id)
    return tuple(
        RowVersion(
            id=version.guid,
            row_id=version.row_id,
            table_id=table.id,
            event=version.event,
            data=decode(table.columns, version.data),
            actor=version.actor,
            at=version.at,
        )
        for version in versions
    )


@operation("tables.rollback_row", scope="tables", effect=Effect.WRITE)
async def rollback_row(ctx: Ctx, command: RollBackRow) -> Row:
    """Put a row back to a former version; what it holds now is kept first, and a deleted row comes back."""
    table = await Tables(ctx).held(command.table_id)
    rows = Rows(ctx, table.id)
    version = await rows.version(command.row_id, command.version_id)
    data = _still_valid(table.columns, version.data)
    await check_relations(ctx, table.columns, [data])
    current = await rows.find(command.row_id, lock=True)
    if current is not None:
        await rows.keep_version(current, RowEvent.UPDATED)
        await rows.change(current.id, data)
        row = StoredRow(current.number, current.id, current.position, data, current.created_at, ctx.now)
        await fire(ctx, table, RowEvent.UPDATED, row.id, data, depth=0)
    else:
        row = StoredRow(0, version.row_id, version.position, data, version.row_created_at, ctx.now)
        if await Tables(ctx).reserve(table, 1, 0) is None:
            raise conflict("The table's columns have just changed; try again.")
        await rows.add([row])
        await fire(ctx, table, RowEvent.CREATED, row.id, data, depth=0)
    return (await present(ctx, table, [row], whole=False))[0]


async def append_row(ctx: Ctx, command: AppendRow, *, depth: int = 0) -> Row:
    """Add a row inside the caller's unit of work; nothing is written when the data does not fit.

    Args:
        ctx: inside a unit of work.
        command: the table and the values.
        depth: how many triggers led here; for those who act on a `TableTriggerFired`, its depth + 1.
    """
    for _ in range(_TRIES):
        table = await Tables(ctx).get(command.table_id)
        data = encode(table.columns, command.data)
        await check_relations(ctx, table.columns, [data])
        position = await Tables(ctx).reserve(table, 1)
        if position is not None:
            break
    else:
        raise conflict("The table's columns keep changing; try again in a moment.")
    row = StoredRow(0, RowId.new(), position, data, ctx.now, ctx.now)
    await Rows(ctx, table.id).add([row])
    await fire(ctx, table, RowEvent.CREATED, row.id, data, depth=depth)
    return (await present(ctx, table, [row], whole=False))[0]


async def change_row(ctx: Ctx, command: UpdateRow, *, depth: int = 0) -> Row:
    """Change a row inside the caller's unit of work; arguments as for `append_row`."""
    table = await Tables(ctx).held(command.table_id)
    rows = Rows(ctx, table.id)
    current = await rows.get(command.row_id, lock=True)
    data = encode(table.columns, command.data, before=current.data)
    if data == current.data:
        return (await present(ctx, table, [current], whole=False))[0]
    await check_relations(ctx, table.columns, [data], [current.data])
    await rows.keep_version(current, RowEvent.UPDATED)
    await rows.change(current.id, data)
    await fire(ctx, table, RowEvent.UPDATED, current.id, data, depth=depth)
    row = StoredRow(current.number, current.id, current.position, data, current.created_at, ctx.now)
    return (await present(ctx, table, [row], whole=False))[0]


async def remove_row(ctx: Ctx, command: RowRef, *, depth: int = 0) -> RowId:
    """Delete a row inside the caller's unit of work; arguments as for `append_row`."""
    tables = Tables(ctx)
    table = await tables.locked(command.table_id)
    rows = Rows(ctx, table.id)
    current = await rows.get(command.row_id, lock=True)
    await rows.keep_version(current, RowEvent.DELETED)
    await rows.remove(current.id)
    await tables.reserve(table, -1, 0)
    await fire(ctx, table, RowEvent.DELETED, current.id, current.data, depth=depth)
    return current.id


async def present(ctx: Ctx, table: Table, stored: Sequence[StoredRow], *, whole: bool = True) -> list[Row]:
    """Rows as others see them: by column name, formulas computed.

    Args:
        ctx: inside a unit of work.
        table: theirs.
        stored: the rows.
        whole: compute also the formulas over all rows, which means reading them all; else leave those out.
    """
    data = [decode(table.columns, row.data) for row in stored]
    formulas = compile_formulas(table.columns)
    if formulas is not None and stored:
        everything = None
        if formulas.needs_all_rows and whole and table.row_count <= MOST_ROWS:
            everything = [decode(table.columns, each) for each in await Rows(ctx, table.id).all_data(MOST_ROWS)]
        await asyncio.to_thread(formulas.compute, data, everything, ctx.now)
        if whole:
            for values in data:
                for column in table.columns:
                    values.setdefault(column.name, ERROR)
    names = [column.name for column in table.columns]
    return [
        Row(
            id=row.id,
            table_id=table.id,
            position=row.position,
            data={name: values[name] for name in names if name in values},
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row, values in zip(stored, data, strict=True)
    ]


def _order(table: Table, text: str, *, postgres: bool) -> Any:
    descending = text.startswith("-") and text not in {column.name for column in table.columns}
    column = by_name(table.columns, text[1:] if descending else text)
    if column.type is ColumnType.COMPUTED:
        raise wrong_column(column.name, "is computed, and cannot be sorted by.", "Sort by the columns it reads.")
    cell = cell_of(column, postgres=postgres)
    return (cell.desc() if descending else cell.asc()).nulls_last()


def _still_valid(columns: Sequence[Column], stored: dict[str, Any]) -> dict[str, Any]:
    """Former data under today's columns; values of columns that are gone are left out."""
    data: dict[str, Any] = {}
    for column in columns:
        if column.type is ColumnType.COMPUTED:
            continue
        try:
            value = converted(column, stored.get(column.key))
        except WrongValueError as error:
            hint = "The column has changed since; set it by hand instead."
            raise wrong_value(column.name, f"cannot go back: it {error}", hint) from error
        if value is not None:
            data[column.key] = value
    return data


async def check_relations(
    ctx: Ctx, columns: Sequence[Column], rows: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]] = ()
) -> None:
    """Every row that is pointed at must be there; those pointed at already may have gone since."""
    wanted: dict[tuple[str, TableId], set[RowId]] = defaultdict(set)
    for column in columns:
        if column.table_id is not None:
            old = {row.get(column.key) for row in before}
            for row in rows:
                value = row.get(column.key)
                if value is not None and value not in old:
                    wanted[column.name, column.table_id].add(RowId.parse(value))
    for (name, target), keys in wanted.items():
        missing = keys - await Rows(ctx, target).existing(sorted(keys))
        if missing:
            raise wrong_value(name, f"points at {min(missing)}, which is no row of {target}.", "Append that row first.")
