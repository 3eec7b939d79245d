"""Tables of the workflows domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from interlock.domains.workflows.states import WorkflowStatus
from interlock.kit.ids import WorkflowId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

_status, _status_check = tables.state("status", WorkflowStatus)

workflows = Table(
    "workflows",
    tables.metadata,
    tables.key(),
    tables.guid(WorkflowId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    _status,
    _status_check,
    Column("version", Integer, nullable=False),
    Column("node_count", Integer, nullable=False),
    tables.money("per_run_cap", nullable=True),
    tables.money("daily_cap", nullable=True),
    Column("template_id", String(80)),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_workflows_workspace_id_id", "workspace_id", "id"),
    Index("ix_workflows_workspace_id_status_id", "workspace_id", "status", "id"),
)

workflow_versions = Table(
    "workflow_versions",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("workflow_id", WorkflowId),
    Column("version", Integer, nullable=False),
    Column("nodes", tables.Json, nullable=False),
    Column("edges", tables.Json, nullable=False),
    tables.reference("created_by", UserId, nullable=True),
    tables.moment("created_at"),
    UniqueConstraint("workflow_id", "version"),
)

template_installs = Table(
    "template_installs",
    tables.metadata,
    Column("template_id", String(80), primary_key=True),
    Column("installs", Integer, nullable=False),
)
