"""Tables of the org domain."""

from sqlalchemy import Boolean, Column, Integer, String, Table

from interlock.domains.org.views import Plan
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_plan, _plan_check = tables.state("plan", Plan)

workspaces = Table(
    "workspaces",
    tables.metadata,
    tables.key(),
    tables.guid(WorkspaceId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    _plan,
    _plan_check,
    Column("has_ai_access", Boolean, nullable=False),
    Column("rules_version", Integer, nullable=False),
    tables.moment("created_at"),
)
