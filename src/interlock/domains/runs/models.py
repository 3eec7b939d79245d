"""Tables of the runs domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.states import RunKind, RunStatus, StepKind, StepStatus
from interlock.domains.runs.views import StepId
from interlock.kit.ids import AgentId, RunId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

_kind, _kind_check = tables.state("kind", RunKind)
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
    tables.reference("agent_id", AgentId, nullable=True),
    Column("agent_name", String(200), nullable=False),
    Column("model", String(200), nullable=False),
    tables.reference("started_by", UserId, nullable=True),
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
    Index("ix_runs_workspace_id_agent_id_id", "workspace_id", "agent_id", "id"),
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
    tables.moment("at"),
    Index("uq_run_steps_run_id_position", "run_id", "position", unique=True),
)
