"""Tables of the AI registry: the systems, what each did on which day, and how far the ledger was read."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, UniqueConstraint, text

from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import SystemId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

_kind, _kind_check = tables.state("kind", SystemKind)
_level, _level_check = tables.state("level", RiskLevel)

ai_systems = Table(
    "ai_systems",
    tables.metadata,
    tables.key(),
    tables.guid(SystemId),
    tables.reference("workspace_id", WorkspaceId),
    _kind,
    _kind_check,
    Column("subject", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    tables.reference("owner_id", UserId, nullable=True),
    # Empty: everything.
    Column("tools", tables.Json),
    Column("resources", tables.Json, nullable=False),
    Column("data", tables.Json, nullable=False),
    Column("tags", tables.Json, nullable=False),
    Column("observed", tables.Json, nullable=False),
    Column("overrides", tables.Json, nullable=False),
    Column("score", Float, nullable=False),
    _level,
    _level_check,
    Column("flagged", Boolean, nullable=False),
    tables.moment("assessed_at"),
    tables.moment("active_at", nullable=True),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    tables.moment("removed_at", nullable=True),
    Index("uq_ai_systems_workspace_id_kind_subject", "workspace_id", "kind", "subject", unique=True),
    Index("ix_ai_systems_workspace_id_id", "workspace_id", "id"),
    Index(
        "ix_ai_systems_workspace_id_elevated",
        "workspace_id",
        sqlite_where=text("level IN ('high', 'critical')"),
        postgresql_where=text("level IN ('high', 'critical')"),
    ),
)

ai_system_days = Table(
    "ai_system_days",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("system_id", SystemId),
    # Such as 2026-08-31, in UTC.
    Column("day", String(10), nullable=False),
    Column("authorized", Integer, nullable=False),
    Column("escalated", Integer, nullable=False),
    Column("denied", Integer, nullable=False),
    Column("unsupervised", Integer, nullable=False),
    UniqueConstraint("system_id", "day"),
)

registry_marks = Table(
    "registry_marks",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    # The last entry of the ledger, and the last moment of the money ledger, that the registry has counted.
    Column("sequence", BigInteger, nullable=False),
    tables.moment("usage_at"),
    UniqueConstraint("workspace_id"),
)
