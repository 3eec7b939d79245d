"""Tables of the agents domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from interlock.domains.agents.states import AgentStatus
from interlock.kit.ids import AgentId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_status, _status_check = tables.state("status", AgentStatus)

agents = Table(
    "agents",
    tables.metadata,
    tables.key(),
    tables.guid(AgentId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    Column("model", String(200), nullable=False),
    Column("system_prompt", Text),
    Column("tools", tables.Json, nullable=False),
    Column("max_iterations", Integer, nullable=False),
    tables.money("budget_per_run", nullable=True),
    _status,
    _status_check,
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_agents_workspace_id_id", "workspace_id", "id"),
)
