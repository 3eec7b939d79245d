"""Native replies about tables."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from interlock.domains.tables.states import ColumnType, FilterOperator, ImportStatus, RowEvent
from interlock.domains.tables.views import ImportId, RowId, TableId, TriggerId, VersionId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.kit.ids import WorkflowId


def _names(columns: Any) -> Any:
    return [getattr(column, "name", column) for column in columns]


class TableReply(Wire):
    """A table with the names of its columns."""

    id: TableId
    name: str
    columns: Annotated[tuple[str, ...], BeforeValidator(_names)]
    row_count: int
    created_at: Timestamp


class ColumnReply(Wire):
    """A column in full."""

    name: str
    type: ColumnType
    options: tuple[str, ...] | None
    formula: str | None
    table_id: TableId | None
    required: bool


class TableDetail(Wire):
    """A table with its columns in full."""

    id: TableId
    name: str
    columns: tuple[ColumnReply, ...]
    row_count: int
    created_at: Timestamp
    updated_at: Timestamp


class RowReply(Wire):
    """A row, whole."""

    id: RowId
    table_id: TableId
    data: dict[str, Any]
    created_at: Timestamp


class RowDetail(RowReply):
    """A row with its place and last change."""

    position: int
    updated_at: Timestamp


class RowInPage(Wire):
    """A row as lists show it."""

    id: RowId
    data: dict[str, Any]


class RowPageReply(Wire):
    """A page of rows with the count of all that match."""

    rows: tuple[RowInPage, ...]
    total: int
    limit: int
    offset: int


class RowVersionReply(Wire):
    """What a row held before a change."""

    id: VersionId
    row_id: RowId
    event: RowEvent
    data: dict[str, Any]
    actor: str
    at: Timestamp


class FilterReply(Wire):
    """A condition."""

    column: str
    operator: FilterOperator
    value: Any


class TriggerReply(Wire):
    """A trigger and how often it fired."""

    id: TriggerId
    table_id: TableId
    event: RowEvent
    filters: tuple[FilterReply, ...]
    workflow_id: WorkflowId
    enabled: bool
    fired_count: int
    stopped_count: int
    last_fired_at: Timestamp | None
    created_at: Timestamp


class ImportReply(Wire):
    """How far an import has come."""

    id: ImportId
    table_id: TableId
    filename: str
    status: ImportStatus
    total: int | None
    done: int
    imported: int
    failed: int
    problem: str | None
    created_at: Timestamp
    finished_at: Timestamp | None


class ImportProblemReply(Wire):
    """Why a row of a file was refused."""

    line: int
    column: str | None
    problem: str
