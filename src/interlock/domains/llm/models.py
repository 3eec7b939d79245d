"""Tables of the llm domain."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table

from interlock.domains.llm.views import ProviderId, ProviderKind, RouteId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_kind, _kind_check = tables.state("kind", ProviderKind)

llm_providers = Table(
    "llm_providers",
    tables.metadata,
    tables.key(),
    tables.guid(ProviderId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(60), nullable=False),
    _kind,
    _kind_check,
    Column("base_url", String(500)),
    Column("credential", LargeBinary),
    Column("credential_hint", String(8)),
    Column("enabled", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("timeout_seconds", Float, nullable=False),
    Column("models", tables.Json, nullable=False),
    Column("prices", tables.Json, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("uq_llm_providers_workspace_id_name", "workspace_id", "name", unique=True),
)

llm_routes = Table(
    "llm_routes",
    tables.metadata,
    tables.key(),
    tables.guid(RouteId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(100), nullable=False),
    Column("targets", tables.Json, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("uq_llm_routes_workspace_id_name", "workspace_id", "name", unique=True),
)
