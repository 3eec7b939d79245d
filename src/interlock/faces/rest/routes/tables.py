"""Routes about tables, their rows and triggers."""

from interlock.domains.tables import service as tables
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.tables import (
    ImportProblemReply,
    ImportReply,
    RowDetail,
    RowPageReply,
    RowReply,
    RowVersionReply,
    TableDetail,
    TableReply,
    TriggerReply,
)

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/tables", tables.list_, list[TableReply]),
    route("POST", "/api/v1/tables", tables.create, TableReply),
    route("GET", "/api/v1/tables/{table_id}", tables.get, TableDetail),
    route("PATCH", "/api/v1/tables/{table_id}", tables.update, TableDetail),
    route("DELETE", "/api/v1/tables/{table_id}", tables.delete, Deleted),
    route("GET", "/api/v1/tables/{table_id}/rows", tables.list_rows, RowPageReply),
    route("POST", "/api/v1/tables/{table_id}/rows", tables.append, RowReply),
    route("POST", "/api/v1/tables/{table_id}/rows/query", tables.list_rows, RowPageReply),
    route("GET", "/api/v1/tables/{table_id}/rows/{row_id}", tables.get_row, RowDetail),
    route("PATCH", "/api/v1/tables/{table_id}/rows/{row_id}", tables.update_row, RowDetail),
    route("DELETE", "/api/v1/tables/{table_id}/rows/{row_id}", tables.delete_row, Deleted),
    route("GET", "/api/v1/tables/{table_id}/rows/{row_id}/history", tables.row_history, list[RowVersionReply]),
    route("POST", "/api/v1/tables/{table_id}/rows/{row_id}/rollback", tables.rollback_row, RowDetail),
    route("GET", "/api/v1/tables/{table_id}/imports", tables.list_imports, list[ImportReply]),
    route("GET", "/api/v1/tables/{table_id}/imports/{import_id}", tables.get_import, ImportReply),
    route(
        "GET",
        "/api/v1/tables/{table_id}/imports/{import_id}/problems",
        tables.import_problems,
        list[ImportProblemReply],
    ),
    route("GET", "/api/v1/tables/{table_id}/triggers", tables.list_triggers, list[TriggerReply]),
    route("POST", "/api/v1/tables/{table_id}/triggers", tables.create_trigger, TriggerReply),
    route("PATCH", "/api/v1/tables/{table_id}/triggers/{trigger_id}", tables.update_trigger, TriggerReply),
    route("DELETE", "/api/v1/tables/{table_id}/triggers/{trigger_id}", tables.delete_trigger, Deleted),
)
