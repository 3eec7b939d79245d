"""Rows of the tables domain."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy import Row as DatabaseRow
from sqlalchemy.sql import ColumnElement

from interlock.domains.tables.models import (
    data_import_problems,
    data_imports,
    data_row_versions,
    data_rows,
    data_tables,
    data_triggers,
)
from interlock.domains.tables.states import ImportStatus, RowEvent
from interlock.domains.tables.views import (
    Column,
    Import,
    ImportId,
    ImportProblem,
    RowId,
    Table,
    TableId,
    Trigger,
    TriggerId,
    VersionId,
)
from interlock.kit.errors import not_found
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository

_MINE = (data_tables.c.guid == bindparam("key"), data_tables.c.workspace_id == bindparam("workspace"))
_TABLE_HELD = select(data_tables).where(*_MINE).with_for_update(read=True)
_TABLE_LOCKED = select(data_tables).where(*_MINE).with_for_update()
_RESERVE = (
    update(data_tables)
    .where(*_MINE, data_tables.c.version == bindparam("seen"))
    .values(
        row_count=data_tables.c.row_count + bindparam("rows"),
        next_position=data_tables.c.next_position + bindparam("positions"),
    )
    .returning(data_tables.c.next_position)
)
_COUNT_TRIGGERS = (
    update(data_tables).where(*_MINE).values(trigger_count=data_tables.c.trigger_count + bindparam("more"))
)
_OF_TABLE = (data_rows.c.table_id == bindparam("table"), data_rows.c.workspace_id == bindparam("workspace"))
_INSERT = insert(data_rows)
_ROW = select(data_rows).where(data_rows.c.guid == bindparam("key"), *_OF_TABLE)
_ROW_LOCKED = _ROW.with_for_update()
_CHANGE = (
    update(data_rows)
    .where(data_rows.c.guid == bindparam("key"), *_OF_TABLE)
    .values(data=bindparam("new_data"), updated_at=bindparam("at"))
)
_REMOVE = delete(data_rows).where(data_rows.c.guid == bindparam("key"), *_OF_TABLE)
_PLACE = tuple_(bindparam("position", type_=BigInteger), bindparam("after", type_=BigInteger))
_NEXT_ROWS = (
    select(data_rows)
    .where(*_OF_TABLE, tuple_(data_rows.c.position, data_rows.c.id) > _PLACE)
    .order_by(data_rows.c.position, data_rows.c.id)
    .limit(bindparam("most"))
)
_ALL_DATA = (
    select(data_rows.c.data).where(*_OF_TABLE).order_by(data_rows.c.position, data_rows.c.id).limit(bindparam("most"))
)
_ADD_VERSION = insert(data_row_versions)
_VERSIONS = (
    select(data_row_versions)
    .where(
        data_row_versions.c.row_id == bindparam("row"),
        data_row_versions.c.table_id == bindparam("table"),
        data_row_versions.c.workspace_id == bindparam("workspace"),
    )
    .order_by(data_row_versions.c.id.desc())
    .limit(bindparam("most"))
)
_VERSION = select(data_row_versions).where(
    data_row_versions.c.guid == bindparam("key"),
    data_row_versions.c.row_id == bindparam("row"),
    data_row_versions.c.table_id == bindparam("table"),
    data_row_versions.c.workspace_id == bindparam("workspace"),
)
_TRIGGERS = (
    select(data_triggers)
    .where(data_triggers.c.table_id == bindparam("table"), data_triggers.c.workspace_id == bindparam("workspace"))
    .order_by(data_triggers.c.id)
)
_COUNT_TRIGGER = (
    update(data_triggers)
    .where(data_triggers.c.guid == bindparam("key"), data_triggers.c.workspace_id == bindparam("workspace"))
    .values(
        fired_count=data_triggers.c.fired_count + bindparam("fired"),
        stopped_count=data_triggers.c.stopped_count + bindparam("stopped"),
        last_fired_at=bindparam("at"),
    )
)
_ADD_PROBLEMS = insert(data_import_problems)
_PROBLEMS = (
    select(data_import_problems)
    .where(
        data_import_problems.c.import_id == bindparam("import"),
        data_import_problems.c.workspace_id == bindparam("workspace"),
    )
    .order_by(data_import_problems.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
)
_PROBLEMS_OF_TABLE = delete(data_import_problems).where(
    data_import_problems.c.import_id.in_(
        select(data_imports.c.guid).where(data_imports.c.table_id == bindparam("table")).scalar_subquery()
    )
)
_DROP = tuple(
    delete(table).where(table.c.table_id == bindparam("table"))
    for table in (data_rows, data_row_versions, data_triggers, data_imports)
)
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it is stored: data under column keys."""

    number: int
    id: RowId
    position: int
    data: dict[str, Any]
    created_at: datetime
    updated_at: datetime


def _stored(row: DatabaseRow[Any]) -> StoredRow:
    return StoredRow(row.id, row.guid, row.position, row.data, row.created_at, row.updated_at)


class Tables(Repository[Table]):
    """Tables of a workspace, newest first."""

    table = data_tables
    view = Table
    thing = "table"
    listing = ListSpec()

    async def held(self, key: TableId) -> Table:
        """The table, whose columns stay as they are until this unit of work ends."""
        return await self._read(key, exclusive=False)

    async def locked(self, key: TableId) -> Table:
        """The table, which nobody else changes until this unit of work ends."""
        return await self._read(key, exclusive=True)

    async def _read(self, key: TableId, *, exclusive: bool) -> Table:
        session = await self.ctx.session()
        statement = _TABLE_LOCKED if exclusive else _TABLE_HELD
        row = (await session.execute(statement, {"key": key, "workspace": self.ctx.workspace_id})).first()
        if row is None:
            raise not_found(self.thing, key)
        return self.to_view(row)

    async def reserve(self, table: Table, rows: int, positions: int | None = None) -> int | None:
        """Count rows in (or out, when negative), and tell the first of their positions.

        Returns:
            None when the columns are no longer those that the caller has seen.
        """
        taken = rows if positions is None else positions
        values = {
            "key": table.id,
            "workspace": self.ctx.workspace_id,
            "seen": table.version,
            "rows": rows,
            "positions": taken,
        }
        following: int | None = (await (await self.ctx.session()).execute(_RESERVE, values)).scalar()
        return None if following is None else following - taken

    async def count_triggers(self, key: TableId, more: int) -> None:
        """Note how many triggers a table has, so that one without costs its writers nothing."""
        values = {"key": key, "workspace": self.ctx.workspace_id, "more": more}
        await (await self.ctx.session()).execute(_COUNT_TRIGGERS, values)

    async def drop(self, key: TableId) -> None:
        """Delete a table with all that belongs to it."""
        await self.remove(key)
        session = await self.ctx.session()
        for statement in (_PROBLEMS_OF_TABLE, *_DROP):
            await session.execute_long(statement, {"table": key})


class Rows:
    """Rows of one table."""

    def __init__(self, ctx: Ctx, table_id: TableId) -> None:
        self.ctx = ctx
        self.table_id = table_id
        self._mine = {"table": table_id, "workspace": ctx.workspace_id}

    async def add(self, rows: Sequence[StoredRow]) -> None:
        """Insert rows; their numbers are the database's to give."""
        values = [
            {
                "guid": row.id,
                "workspace_id": self.ctx.workspace_id,
                "table_id": self.table_id,
                "position": row.position,
                "data": row.data,
                "created_at": row.created_at,
                "updated_at": row.updated_at,
            }
            for row in rows
        ]
        await (await self.ctx.session()).execute(_INSERT, values)

    async def get(self, key: RowId, *, lock: bool = False) -> StoredRow:
        """The row; raises not_found. With a lock, nobody else changes it before this unit of work ends."""
        found = await self.find(key, lock=lock)
        if found is None:
            raise not_found("row", key)
        return found

    async def find(self, key: RowId, *, lock: bool = False) -> StoredRow | None:
        """The row, or None."""
        session = await self.ctx.session()
        row = (await session.execute(_ROW_LOCKED if lock else _ROW, {"key": key, **self._mine})).first()
        return None if row is None else _stored(row)

    async def change(self, key: RowId, data: dict[str, Any]) -> None:
        """Store new data in a row."""
        values = {"key": key, "new_data": data, "at": self.ctx.now, **self._mine}
        await (await self.ctx.session()).execute(_CHANGE, values)

    async def change_all(self, changed: Sequence[tuple[RowId, dict[str, Any]]]) -> None:
        """Store new data in many rows."""
        session = await self.ctx.session()
        for key, data in changed:
            await session.execute(_CHANGE, {"key": key, "new_data": data, "at": self.ctx.now, **self._mine})

    async def remove(self, key: RowId) -> None:
        """Delete a row."""
        await (await self.ctx.session()).execute(_REMOVE, {"key": key, **self._mine})

    async def page(
        self, conditions: ColumnElement[bool] | None, order: Sequence[ColumnElement[Any]], limit: int, offset: int
    ) -> list[StoredRow]:
        """A page of the rows that meet a condition."""
        columns = data_rows.c
        statement = select(data_rows).where(
            columns.table_id == self.table_id, columns.workspace_id == self.ctx.workspace_id
        )
        if conditions is not None:
            statement = statement.where(conditions)
        statement = statement.order_by(*order, columns.position, columns.id).limit(limit).offset(offset)
        session = await self.ctx.session()
        is_short = conditions is None and not order and offset == 0
        rows = await (session.execute if is_short else session.execute_long)(statement)
        return [_stored(row) for row in rows]

    async def count(self, conditions: ColumnElement[bool]) -> int:
        """How many rows meet a condition."""
        columns = data_rows.c
        statement = (
            select(func.count())
            .select_from(data_rows)
            .where(columns.table_id == self.table_id, columns.workspace_id == self.ctx.workspace_id, conditions)
        )
        found: int = (await (await self.ctx.session()).execute_long(statement)).scalar_one()
        return found

    async def after(self, position: int, number: int, most: int = _BATCH) -> list[StoredRow]:
        """The next rows in the order of the table."""
        values = {"position": position, "after": number, "most": most, **self._mine}
        return [_stored(row) for row in await (await self.ctx.session()).execute_long(_NEXT_ROWS, values)]

    async def batches(self) -> AsyncIterator[list[StoredRow]]:
        """All rows, in the order of the table."""
        position, number = -1, 0
        while batch := await self.after(position, number):
            yield batch
            position, number = batch[-1].position, batch[-1].number

    async def all_data(self, most: int) -> list[dict[str, Any]]:
        """The data of all rows, in the order of the table."""
        rows = await (await self.ctx.session()).execute_long(_ALL_DATA, {"most": most, **self._mine})
        return [row.data for row in rows]

    async def keep_version(self, row: StoredRow, event: RowEvent) -> None:
        """Remember what a row holds before it changes."""
        actor = self.ctx.actor
        values = {
            "guid": VersionId.new(),
            "workspace_id": self.ctx.workspace_id,
            "table_id": self.table_id,
            "row_id": row.id,
            "event": event,
            "position": row.position,
            "data": row.data,
            "actor": f"{actor.kind.value}:{actor.label or actor.id or ''}"[:300],
            "row_created_at": row.created_at,
            "at": self.ctx.now,
        }
        await (await self.ctx.session()).execute(_ADD_VERSION, values)

    async def versions(self, key: RowId, most: int) -> list[DatabaseRow[Any]]:
        """What a row held before, newest first."""
        rows = await (await self.ctx.session()).execute(_VERSIONS, {"row": key, "most": most, **self._mine})
        return list(rows)

    async def version(self, key: RowId, version: VersionId) -> DatabaseRow[Any]:
        """One of the row's versions; raises not_found."""
        session = await self.ctx.session()
        row = (await session.execute(_VERSION, {"key": version, "row": key, **self._mine})).first()
        if row is None:
            raise not_found("version", version)
        return row

    async def existing(self, keys: Sequence[RowId]) -> set[RowId]:
        """Which of these rows there are."""
        columns = data_rows.c
        statement = select(columns.guid).where(
            columns.guid.in_(keys), columns.table_id == self.table_id, columns.workspace_id == self.ctx.workspace_id
        )
        return {row.guid for row in await (await self.ctx.session()).execute(statement)}


class Triggers(Repository[Trigger]):
    """Triggers; their filters name columns by key, as they are stored."""

    table = data_triggers
    view = Trigger
    thing = "trigger"

    async def of(self, table_id: TableId) -> list[Trigger]:
        """Every trigger of a table, oldest first."""
        session = await self.ctx.session()
        rows = await session.execute(_TRIGGERS, {"table": table_id, "workspace": self.ctx.workspace_id})
        return [self.to_view(row) for row in rows]

    async def count(self, key: TriggerId, *, fired: int = 0, stopped: int = 0) -> None:
        """Count a firing, or one that was stopped."""
        values = {
            "key": key,
            "workspace": self.ctx.workspace_id,
            "fired": fired,
            "stopped": stopped,
            "at": self.ctx.now,
        }
        await (await self.ctx.session()).execute(_COUNT_TRIGGER, values)


class Imports(Repository[Import]):
    """Imports of a workspace, newest first."""

    table = data_imports
    view = Import
    thing = "import"
    listing = ListSpec(filters=frozenset({"table_id"}))

    async def add_problems(self, key: ImportId, problems: Sequence[ImportProblem]) -> None:
        """Keep why rows were refused."""
        values = [
            {
                "workspace_id": self.ctx.workspace_id,
                "import_id": key,
                "line": problem.line,
                "column": problem.column,
                "problem": problem.problem[:500],
            }
            for problem in problems
        ]
        if values:
            await (await self.ctx.session()).execute(_ADD_PROBLEMS, values)

    async def problems(self, key: ImportId, most: int, skipped: int) -> list[ImportProblem]:
        """Why rows were refused, in the order of the file."""
        values = {"import": key, "workspace": self.ctx.workspace_id, "most": most, "skipped": skipped}
        rows = await (await self.ctx.session()).execute(_PROBLEMS, values)
        return [ImportProblem.model_validate(row) for row in rows]

    async def end(self, key: ImportId, status: ImportStatus, problem: str | None = None) -> Import:
        """Close an import."""
        return await self.change(key, {"status": status, "problem": problem, "finished_at": self.ctx.now})


def columns_json(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Columns as they are stored."""
    return [column.model_dump(mode="json", exclude_defaults=True) for column in columns]
