"""Tables of the forms domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from interlock.domains.forms.states import Delivery, FormStatus, SubmissionStatus
from interlock.domains.forms.views import FormId, SubmissionId
from interlock.domains.tables.views import RowId, TableId
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_form_status, _form_status_check = tables.state("status", FormStatus)
_status, _status_check = tables.state("status", SubmissionStatus)
_row_state, _row_state_check = tables.state("row_state", Delivery)
_run_state, _run_state_check = tables.state("run_state", Delivery)

forms = Table(
    "forms",
    tables.metadata,
    tables.key(),
    tables.guid(FormId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    # An address of this server, so unique across workspaces.
    Column("slug", String(80), nullable=False, unique=True),
    Column("description", Text),
    Column("thanks", Text),
    Column("fields", tables.Json, nullable=False),
    tables.reference("linked_table", TableId, nullable=True),
    tables.reference("trigger_workflow", WorkflowId, nullable=True),
    Column("embed_origins", tables.Json, nullable=False),
    _form_status,
    _form_status_check,
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_forms_workspace_id_id", "workspace_id", "id"),
)

form_submissions = Table(
    "form_submissions",
    tables.metadata,
    tables.key(),
    tables.guid(SubmissionId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("form_id", FormId),
    _status,
    _status_check,
    Column("spam_reason", String(200)),
    Column("data", tables.Json, nullable=False),
    # A digest of the sender's idempotency key or of the page's mark.
    Column("once_key", String(64)),
    _row_state,
    _row_state_check,
    tables.reference("row_id", RowId, nullable=True),
    Column("row_error", String(1000)),
    _run_state,
    _run_state_check,
    tables.reference("workflow_run_id", RunId, nullable=True),
    Column("run_error", String(1000)),
    tables.moment("created_at"),
    tables.moment("settled_at", nullable=True),
    Index("ix_form_submissions_workspace_id_form_id_id", "workspace_id", "form_id", "id"),
    Index(
        "uq_form_submissions_form_id_once_key",
        "form_id",
        "once_key",
        unique=True,
        sqlite_where=text("once_key IS NOT NULL"),
        postgresql_where=text("once_key IS NOT NULL"),
    ),
    Index(
        "ix_form_submissions_spam",
        "created_at",
        sqlite_where=text("status = 'spam'"),
        postgresql_where=text("status = 'spam'"),
    ),
)

# How often a form was sent in, in several parts: on PostgreSQL simultaneous senders would else wait for one row.
form_counts = Table(
    "form_counts",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("form_id", FormId),
    Column("part", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Index("uq_form_counts_form_id_part", "form_id", "part", unique=True),
)
