"""Tables of the memory domain."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint, text

from interlock.domains.memory.states import MemoryType, OccasionKind, OwnerKind, RecallPurpose, RecallReason
from interlock.domains.memory.views import MemoryId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_owner_kind, _owner_kind_check = tables.state("owner_kind", OwnerKind)
_type, _type_check = tables.state("type", MemoryType)
_purpose, _purpose_check = tables.state("purpose", RecallPurpose)
_reason, _reason_check = tables.state("reason", RecallReason)
_occasion, _occasion_check = tables.state("occasion", OccasionKind, nullable=True)

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

memory_recalls = Table(
    "memory_recalls",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    # The integer key of the memory.
    Column("memory", tables.BigInt, nullable=False),
    tables.moment("at"),
    _purpose,
    _purpose_check,
    Column("actor", String(300), nullable=False),
    _occasion,
    _occasion_check,
    Column("occasion_id", String(80)),
    Column("question", String(300), nullable=False),
    Column("filters", tables.Json, nullable=False),
    Column("place", Integer, nullable=False),
    Column("score", Float, nullable=False),
    _reason,
    _reason_check,
    Column("word_rank", Integer),
    Column("meaning_rank", Integer),
    Column("nearness", Float),
    Column("coverage", Float, nullable=False),
    Index("ix_memory_recalls_memory_id", "memory", "id"),
    Index("ix_memory_recalls_at", "at"),
)
