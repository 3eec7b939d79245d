"""Tables of the tables domain. Rows are JSON under column keys, so that renaming a column touches no row."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from interlock.domains.tables.states import ImportStatus, RowEvent
from interlock.domains.tables.views import ImportId, RowId, TableId, TriggerId, VersionId
from interlock.kit.ids import WorkflowId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_import_status, _import_status_check = tables.state("status", ImportStatus)
_version_event, _version_event_check = tables.state("event", RowEvent)
_trigger_event, _trigger_event_check = tables.state("event", RowEvent)

data_tables = Table(
    "data_tables",
    tables.metadata,
    tables.key(),
    tables.guid(TableId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    Column("columns", tables.Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("next_key", Integer, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("next_position", BigInteger, nullable=False),
    Column("trigger_count", Integer, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_data_tables_workspace_id_id", "workspace_id", "id"),
)

data_rows = Table(
    "data_rows",
    tables.metadata,
    tables.key(),
    tables.guid(RowId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("table_id", TableId),
    Column("position", BigInteger, nullable=False),
    Column("data", tables.Json, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_data_rows_table_id_position", "table_id", "position", "id"),
)

data_row_versions = Table(
    "data_row_versions",
    tables.metadata,
    tables.key(),
    tables.guid(VersionId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("table_id", TableId),
    tables.reference("row_id", RowId),
    _version_event,
    _version_event_check,
    Column("position", BigInteger, nullable=False),
    Column("data", tables.Json, nullable=False),
    Column("actor", String(300), nullable=False),
    tables.moment("row_created_at"),
    tables.moment("at"),
    Index("ix_data_row_versions_table_id_row_id", "table_id", "row_id", "id"),
)

data_triggers = Table(
    "data_triggers",
    tables.metadata,
    tables.key(),
    tables.guid(TriggerId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("table_id", TableId),
    _trigger_event,
    _trigger_event_check,
    Column("filters", tables.Json, nullable=False),
    tables.reference("workflow_id", WorkflowId),
    Column("enabled", Boolean, nullable=False),
    Column("fired_count", Integer, nullable=False),
    Column("stopped_count", Integer, nullable=False),
    tables.moment("last_fired_at", nullable=True),
    tables.moment("created_at"),
    Index("ix_data_triggers_table_id_id", "table_id", "workspace_id", "id"),
    Index("ix_data_triggers_workspace_id_id", "workspace_id", "id"),
)

data_imports = Table(
    "data_imports",
    tables.metadata,
    tables.key(),
    tables.guid(ImportId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("table_id", TableId),
    Column("filename", String(255), nullable=False),
    Column("format", String(10), nullable=False),
    Column("sheet", String(100)),
    _import_status,
    _import_status_check,
    Column("total", Integer),
    Column("done", Integer, nullable=False),
    Column("imported", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("problem", Text),
    tables.moment("created_at"),
    tables.moment("finished_at", nullable=True),
    Index("ix_data_imports_workspace_id_id", "workspace_id", "id"),
    Index("ix_data_imports_table_id_id", "table_id", "id"),
)

data_import_problems = Table(
    "data_import_problems",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("import_id", ImportId),
    Column("line", Integer, nullable=False),
    Column("column", String(200)),
    Column("problem", String(500), nullable=False),
    Index("ix_data_import_problems_import_id_id", "import_id", "id"),
)
