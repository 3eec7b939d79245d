"""What other domains and faces see of tables."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from interlock.domains.tables.states import ColumnType, FilterOperator, ImportStatus, RowEvent
from interlock.kit.ids import TypedId, WorkflowId
from interlock.kit.operations import View


class TableId(TypedId):
    """A table."""

    prefix: ClassVar[str] = "tbl"


class RowId(TypedId):
    """A row of a table."""

    prefix: ClassVar[str] = "row"


class VersionId(TypedId):
    """What a row held before it was changed or deleted."""

    prefix: ClassVar[str] = "ver"


class TriggerId(TypedId):
    """A rule that starts a workflow when something happens to a row."""

    prefix: ClassVar[str] = "trg"


class ImportId(TypedId):
    """A file on its way into a table."""

    prefix: ClassVar[str] = "imp"


class Column(View):
    """A typed column. `key` is what rows are stored under; it outlives renaming and never leaves the domain."""

    key: str
    name: str
    type: ColumnType
    options: tuple[str, ...] | None = None
    formula: str | None = None
    table_id: TableId | None = None
    required: bool = False


class Table(View):
    """A table with its columns; the count of its rows is kept, never counted."""

    id: TableId
    number: int
    name: str
    columns: tuple[Column, ...]
    row_count: int
    trigger_count: int
    version: int
    created_at: datetime
    updated_at: datetime


class Row(View):
    """A row, keyed by column name; computed columns included."""

    id: RowId
    table_id: TableId
    position: int
    data: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page of rows; `total` counts all that match."""

    rows: tuple[Row, ...]
    total: int
    limit: int
    offset: int


class RowVersion(View):
    """What a row held before a change, and who made it."""

    id: VersionId
    row_id: RowId
    table_id: TableId
    event: RowEvent
    data: dict[str, Any]
    actor: str
    at: datetime


class Condition(View):
    """A filter as it is stored with a trigger."""

    column: str
    operator: FilterOperator
    value: Any = None


class Trigger(View):
    """What starts which workflow; counts its firings, and those stopped because triggers had set off each other."""

    id: TriggerId
    table_id: TableId
    event: RowEvent
    filters: tuple[Condition, ...]
    workflow_id: WorkflowId
    enabled: bool
    fired_count: int
    stopped_count: int
    last_fired_at: datetime | None
    created_at: datetime


class FileFormat(StrEnum):
    """What tables are written to; all but JSON are read as well."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


class Import(View):
    """How far a file has come: rows read of those in the file (None until counted), kept and refused."""

    id: ImportId
    table_id: TableId
    filename: str
    format: FileFormat
    sheet: str | None
    status: ImportStatus
    total: int | None
    done: int
    imported: int
    failed: int
    problem: str | None
    created_at: datetime
    finished_at: datetime | None


class ImportProblem(View):
    """Why a row of a file was refused."""

    line: int
    column: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class TableExport:
    """A file as it is being written."""

    media_type: str
    filename: str
    chunks: AsyncIterator[bytes]
