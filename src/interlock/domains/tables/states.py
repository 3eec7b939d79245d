"""Kinds of columns, events, filter operators, and the life of an import."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class ColumnType(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    SELECT = "select"
    EMAIL = "email"
    URL = "url"
    DATE = "date"
    BOOLEAN = "boolean"
    COMPUTED = "computed"
    RELATION = "relation"


class RowEvent(StrEnum):
    """What can happen to a row."""

    CREATED = "row_created"
    UPDATED = "row_updated"
    DELETED = "row_deleted"


class FilterOperator(StrEnum):
    """How a filter compares."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    IN = "in"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


class ImportStatus(StrEnum):
    """An import waits, works through its file, and ends one way or the other."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


IMPORT_LIFE = Lifecycle(
    "import",
    {
        ImportStatus.QUEUED: frozenset({ImportStatus.RUNNING, ImportStatus.FAILED}),
        ImportStatus.RUNNING: frozenset({ImportStatus.COMPLETED, ImportStatus.FAILED}),
        ImportStatus.COMPLETED: frozenset(),
        ImportStatus.FAILED: frozenset(),
    },
)
