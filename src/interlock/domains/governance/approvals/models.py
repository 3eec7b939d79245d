"""Tables of the approvals."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, Text, text

from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import ApprovalId, ApprovalKind
from interlock.domains.governance.policies.views import PolicyId
from interlock.kit.ids import RunId, TypedId
from interlock.runtime import tables
from interlock.runtime.context import ActorKind, UserId, WorkspaceId

_kind, _kind_check = tables.state("kind", ApprovalKind)
_status, _status_check = tables.state("status", ApprovalStatus)
_caller_kind, _caller_kind_check = tables.state("caller_kind", ActorKind)

approvals = Table(
    "approvals",
    tables.metadata,
    tables.key(),
    tables.guid(ApprovalId),
    tables.reference("workspace_id", WorkspaceId),
    _kind,
    _kind_check,
    _status,
    _status_check,
    Column("tool", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    _caller_kind,
    _caller_kind_check,
    tables.reference("caller_id", TypedId, nullable=True),
    Column("caller_label", String(200), nullable=False),
    Column("subject", String(80), nullable=False),
    tables.reference("run_id", RunId, nullable=True),
    Column("arguments", tables.Json, nullable=False),
    Column("args_hash", String(64), nullable=False),
    Column("edited_hash", String(64)),
    tables.reference("policy_id", PolicyId, nullable=True),
    tables.reference("reviewer_id", UserId, nullable=True),
    Column("reviewer_label", String(200)),
    Column("comment", Text),
    Column("reason_code", String(100)),
    # The raw call and the reviewer's replacement of it, encrypted; both die when the call is settled.
    Column("sealed_payload", LargeBinary),
    Column("sealed_edit", LargeBinary),
    Column("schema", tables.Json),
    Column("result", tables.Json),
    # A check without idempotency key: its approval waits to be used up by the next identical check.
    Column("one_time", Boolean, nullable=False),
    tables.moment("consumed_at", nullable=True),
    tables.moment("created_at"),
    tables.moment("decided_at", nullable=True),
    tables.moment("expires_at"),
    Index("ix_approvals_workspace_id_id", "workspace_id", "id"),
    Index("ix_approvals_workspace_id_status_id", "workspace_id", "status", "id"),
    Index("ix_approvals_workspace_id_subject", "workspace_id", "subject"),
    Index(
        "ix_approvals_workspace_id_args_hash",
        "workspace_id",
        "args_hash",
        sqlite_where=text("one_time AND consumed_at IS NULL"),
        postgresql_where=text("one_time AND consumed_at IS NULL"),
    ),
    Index(
        "ix_approvals_expires_at",
        "expires_at",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
)
