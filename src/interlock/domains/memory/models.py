"""Tables of the memory domain."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from interlock.domains.memory.states import MemoryType, OwnerKind
from interlock.domains.memory.views import MemoryId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_owner_kind, _owner_kind_check = tables.state("owner_kind", OwnerKind)
_type, _type_check = tables.state("type", MemoryType)

memories = Table(
    "memories",
    tables.metadata,
    tables.key(),
    tables.guid(MemoryId),
    tables.reference("workspace_id", WorkspaceId),
    _owner_kind,
    _owner_kind_check,
    Column("owner_id", String(80), nullable=False),
    _type,
    _type_check,
    Column("title", String(200)),
    Column("content", Text, nullable=False),
    Column("tags", tables.Json, nullable=False),
    Column("importance", Integer, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("access_count", Integer, nullable=False),
    tables.moment("last_accessed_at", nullable=True),
    tables.moment("expires_at", nullable=True),
    # When to look whether it is to be forgotten; null for what is pinned, archived or too important.
    tables.moment("forget_at", nullable=True),
    Column("content_hash", String(64), nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    UniqueConstraint("workspace_id", "owner_kind", "owner_id", "content_hash", name="uq_memories_content"),
    Index("ix_memories_workspace_id_id", "workspace_id", "id"),
    Index(
        "ix_memories_forget_at",
        "forget_at",
        sqlite_where=text("forget_at IS NOT NULL"),
        postgresql_where=text("forget_at IS NOT NULL"),
    ),
)
