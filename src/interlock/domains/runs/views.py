"""What other domains and faces see of runs."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.states import RunKind, RunStatus, StepKind, StepStatus, Trigger
from interlock.kit.ids import AgentId, RunId, TypedId, WorkflowId
from interlock.kit.operations import View


class StepId(TypedId):
    """One step of a run."""

    prefix: ClassVar[str] = "step"


class Run(View):
    """An execution; `name` is its agent's or workflow's at the start.

    `unknown_costs` counts model calls whose price nobody knows: they are in no total.
    """

    id: RunId
    number: int
    kind: RunKind
    name: str
    agent_id: AgentId | None
    agent_version: int | None
    workflow_id: WorkflowId | None
    workflow_version: int | None
    parent_run_id: RunId | None
    retry_of: RunId | None
    model: str | None
    trigger: Trigger
    trigger_ref: str | None
    status: RunStatus
    input: dict[str, Any]
    output: dict[str, Any] | None
    error: str | None
    total_cost: Decimal
    total_tokens: int
    unknown_costs: int
    started_at: datetime
    completed_at: datetime | None


class Step(View):
    """A model request, a tool call or a workflow node of a run, with its cost.

    `branch` is the way a node went on; `child_run_id` the run it started.
    """

    id: StepId
    number: int
    run_id: RunId
    position: int
    kind: StepKind
    node_id: str | None
    name: str
    status: StepStatus
    decision: Decision | None
    reason: str | None
    call_id: str | None
    cost: Decimal | None
    input_tokens: int
    output_tokens: int
    latency_ms: int
    output: Any = None
    branch: str | None
    child_run_id: RunId | None
    at: datetime


class NodeStep(View):
    """A step of a workflow's node without what it gave."""

    position: int
    node_id: str | None
    status: StepStatus
    reason: str | None
    cost: Decimal | None
    latency_ms: int
    branch: str | None
    child_run_id: RunId | None
    at: datetime


class Tally(View):
    """How many runs there were, and what they cost."""

    runs: int
    cost: Decimal


class RunDetail(Run):
    """A run with its steps, in order; costs of the steps add up to the total."""

    steps: tuple[Step, ...]
