"""Tables of the runs domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.states import RunKind, RunStatus, StepKind, StepStatus, Trigger
from interlock.domains.runs.views import StepId
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

_kind, _kind_check = tables.state("kind", RunKind)
_trigger, _trigger_check = tables.state("trigger", Trigger)
_status, _status_check = tables.state("status", RunStatus)
_step_kind, _step_kind_check = tables.state("kind", StepKind)
_step_status, _step_status_check = tables.state("status", StepStatus)
_decision, _decision_check = tables.state("decision", Decision, nullable=True)

runs = Table(
    "runs",
    tables.metadata,
    tables.key(),
    tables.guid(RunId),
    tables.reference("workspace_id", WorkspaceId),
    _kind,
    _kind_check,
    Column("name", String(200), nullable=False),
    tables.reference("agent_id", AgentId, nullable=True),
    Column("agent_version", Integer),
    tables.reference("workflow_id", WorkflowId, nullable=True),
    Column("workflow_version", Integer),
    tables.reference("parent_run_id", RunId, nullable=True),
    tables.reference("retry_of", RunId, nullable=True),
    Column("model", String(200)),
    tables.reference("started_by", UserId, nullable=True),
    _trigger,
    _trigger_check,
    Column("trigger_ref", String(200)),
    _status,
    _status_check,
    Column("input", tables.Json, nullable=False),
    Column("output", tables.Json),
    Column("error", Text),
    tables.money("total_cost"),
    Column("total_tokens", Integer, nullable=False),
    Column("unknown_costs", Integer, nullable=False),
    tables.moment("started_at"),
    tables.moment("completed_at", nullable=True),
    Index("ix_runs_workspace_id_id", "workspace_id", "id"),
    Index("ix_runs_workspace_id_status_id", "workspace_id", "status", "id"),
    Index("ix_runs_workspace_id_kind_id", "workspace_id", "kind", "id"),
    Index("ix_runs_workspace_id_trigger_id", "workspace_id", "trigger", "id"),
    Index("ix_runs_workspace_id_started_at_id", "workspace_id", "started_at", "id"),
    Index("ix_runs_workspace_id_agent_id_id", "workspace_id", "agent_id", "id"),
    Index("ix_runs_workspace_id_workflow_id_id", "workspace_id", "workflow_id", "id"),
    Index(
        "ix_runs_workflow_id_in_flight",
        "workflow_id",
        sqlite_where=text("completed_at IS NULL AND workflow_id IS NOT NULL"),
        postgresql_where=text("completed_at IS NULL AND workflow_id IS NOT NULL"),
    ),
    Index(
        "ix_runs_parent_run_id",
        "parent_run_id",
        sqlite_where=text("parent_run_id IS NOT NULL"),
        postgresql_where=text("parent_run_id IS NOT NULL"),
    ),
)

run_steps = Table(
    "run_steps",
    tables.metadata,
    tables.key(),
    tables.guid(StepId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("run_id", RunId),
    Column("position", Integer, nullable=False),
    _step_kind,
    _step_kind_check,
    Column("node_id", String(200)),
    Column("name", String(200), nullable=False),
    _step_status,
    _step_status_check,
    _decision,
    _decision_check,
    Column("reason", Text),
    Column("call_id", String(80)),
    tables.money("cost", nullable=True),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("output", tables.Json),
    Column("branch", String(80)),
    tables.reference("child_run_id", RunId, nullable=True),
    tables.reference("taken_from", RunId, nullable=True),
    tables.moment("at"),
    Index("uq_run_steps_run_id_position", "run_id", "position", unique=True),
)

# What was said between a run's agent and its model, sealed: whoever repeats the run from a step goes on from here.
run_messages = Table(
    "run_messages",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("run_id", RunId),
    Column("key", String(80), nullable=False),
    Column("position", Integer, nullable=False),
    Column("sealed", Text, nullable=False),
    UniqueConstraint("run_id", "key"),
)
