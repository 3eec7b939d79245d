"""Tables of the agents domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from interlock.domains.agents.states import AgentStatus
from interlock.kit.ids import AgentId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

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
    Column("version", Integer, nullable=False),
    _status,
    _status_check,
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_agents_workspace_id_id", "workspace_id", "id"),
)

agent_versions = Table(
    "agent_versions",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("agent_id", AgentId),
    Column("version", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("model", String(200), nullable=False),
    Column("system_prompt", Text),
    Column("tools", tables.Json, nullable=False),
    Column("max_iterations", Integer, nullable=False),
    tables.money("budget_per_run", nullable=True),
    Column("changed", tables.Json, nullable=False),
    Column("restored_from", Integer),
    Column("changed_by", String(200), nullable=False),
    tables.reference("created_by", UserId, nullable=True),
    tables.moment("created_at"),
    UniqueConstraint("agent_id", "version"),
)
