"""Tables of the platform connections."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from interlock.domains.governance.platforms.states import PlatformKind, PlatformStatus
from interlock.domains.governance.platforms.views import PlatformId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

_kind, _kind_check = tables.state("kind", PlatformKind)
_status, _status_check = tables.state("status", PlatformStatus)

platforms = Table(
    "platforms",
    tables.metadata,
    tables.key(),
    tables.guid(PlatformId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("user_id", UserId, nullable=True),
    Column("name", String(200), nullable=False),
    _kind,
    _kind_check,
    # Empty: everything.
    Column("tools", tables.Json),
    Column("resources", tables.Json, nullable=False),
    # The hash finds the connection of a call; the sealed token lets its owner see the URL again.
    Column("token_hash", String(64), unique=True),
    Column("sealed", LargeBinary),
    _status,
    _status_check,
    tables.moment("created_at"),
    tables.moment("rotated_at", nullable=True),
    tables.moment("disconnected_at", nullable=True),
    Index("ix_platforms_workspace_id_id", "workspace_id", "id"),
)
