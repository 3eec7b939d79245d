"""Tables of the activity domain."""

from sqlalchemy import Column, Index, String, Table, Uuid

from interlock.domains.activity.views import LogEntryId
from interlock.runtime import tables
from interlock.runtime.context import ActorKind, WorkspaceId

_kind, _kind_check = tables.state("actor_kind", ActorKind)

system_log = Table(
    "system_log",
    tables.metadata,
    tables.key(),
    tables.guid(LogEntryId),
    tables.reference("workspace_id", WorkspaceId),
    tables.moment("at"),
    Column("operation", String(80), nullable=False),
    _kind,
    _kind_check,
    Column("actor_id", Uuid),
    Column("actor_label", String(200), nullable=False),
    Column("subject", String(80)),
    Column("face", String(20), nullable=False),
    Column("request_id", String(80), nullable=False),
    Index("ix_system_log_workspace_id_id", "workspace_id", "id"),
    Index("ix_system_log_workspace_id_at", "workspace_id", "at"),
)
