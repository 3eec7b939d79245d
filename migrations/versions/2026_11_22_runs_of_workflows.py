"""Runs of workflows: what started them, their nodes, and workflows as callers of tools.

Revision: 0002
Follows: 0001
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ACTORS = "'anonymous', 'user', 'key', 'mcp_client', 'agent', 'workflow', 'system'"
RUNS = {
    "kind": "'agent', 'workflow'",
    "status": "'running', 'waiting_approval', 'paused', 'completed', 'failed', 'rejected', 'cancelled', "
    "'budget_exceeded'",
    "trigger": "'manual', 'hook', 'form', 'schedule', 'table', 'workflow', 'platform', 'chat'",
}
STEPS = {
    "kind": "'model', 'tool', 'node'",
    "status": "'completed', 'waiting_approval', 'denied', 'failed'",
    "decision": "'authorized', 'escalated', 'denied'",
}
CALLERS = {
    "approvals": {
        "caller_kind": ACTORS,
        "kind": "'tool_call', 'check', 'workflow_gate'",
        "status": "'pending', 'approved', 'rejected', 'expired', 'withdrawn'",
    },
    "system_log": {"actor_kind": ACTORS},
    "tool_calls": {"caller_kind": ACTORS, "state": "'held', 'executing', 'done', 'failed', 'denied'"},
}
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    with changing("runs", RUNS) as runs:
        runs.alter_column("agent_name", new_column_name="name", existing_type=sa.String(200), existing_nullable=False)
        runs.alter_column("model", existing_type=sa.String(200), nullable=True)
        runs.add_column(sa.Column("workflow_id", sa.Uuid()))
        runs.add_column(sa.Column("workflow_version", sa.Integer()))
        runs.add_column(sa.Column("parent_run_id", sa.Uuid()))
        runs.add_column(sa.Column("retry_of", sa.Uuid()))
        runs.add_column(sa.Column("trigger", sa.String(40), nullable=False, server_default="manual"))
        runs.add_column(sa.Column("trigger_ref", sa.String(200)))
    op.create_index("ix_runs_workspace_id_workflow_id_id", "runs", ["workspace_id", "workflow_id", "id"])
    child = sa.text("parent_run_id IS NOT NULL")
    op.create_index("ix_runs_parent_run_id", "runs", ["parent_run_id"], sqlite_where=child, postgresql_where=child)
    flying = sa.text("completed_at IS NULL AND workflow_id IS NOT NULL")
    op.create_index(
        "ix_runs_workflow_id_in_flight", "runs", ["workflow_id"], sqlite_where=flying, postgresql_where=flying
    )
    with changing("run_steps", STEPS) as steps:
        steps.add_column(sa.Column("node_id", sa.String(200)))
        steps.add_column(sa.Column("output", JSON))
        steps.add_column(sa.Column("branch", sa.String(80)))
        steps.add_column(sa.Column("child_run_id", sa.Uuid()))
    for table, checks in CALLERS.items():
        with changing(table, checks):
            pass


@contextmanager
def changing(table: str, checks: dict[str, str]) -> Iterator[BatchOperations]:
    """A change of a table after which these columns hold these values."""
    with op.batch_alter_table(table) as batch:
        yield batch
        for column, values in checks.items():
            name = op.f(f"ck_{table}_{column}")
            if column != "trigger":  # the one that is new
                batch.drop_constraint(name, type_="check")
            batch.create_check_constraint(name, sa.text(f'"{column}" IN ({values})'))
