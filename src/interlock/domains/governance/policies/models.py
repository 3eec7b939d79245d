"""Tables of the policies."""

from sqlalchemy import Boolean, Column, Index, String, Table

from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import PolicyId, PolicyType
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_type, _type_check = tables.state("type", PolicyType)
_mode, _mode_check = tables.state("mode", PolicyMode)

policies = Table(
    "policies",
    tables.metadata,
    tables.key(),
    tables.guid(PolicyId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    _type,
    _type_check,
    _mode,
    _mode_check,
    Column("match", tables.Json, nullable=False),
    Column("config", tables.Json, nullable=False),
    Column("channels", tables.Json, nullable=False),
    Column("enabled", Boolean, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_policies_workspace_id_id", "workspace_id", "id"),
)
