"""Native replies about runs."""

from typing import Any, Literal

from pydantic import Field, computed_field

from interlock.domains.governance.policies.views import Decision, PolicyId
from interlock.domains.runs.states import RunKind, RunStatus, StepKind, StepStatus, Trigger
from interlock.domains.runs.views import Said, Step
from interlock.domains.tools.states import CallState
from interlock.domains.tools.views import ToolCallId
from interlock.faces.rest.wire.base import Cost, Timestamp, Wire
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.kit.money import ZERO


class RunStarted(Wire):
    """A run that has begun in the background."""

    run_id: RunId = Field(validation_alias="id")
    agent_id: AgentId | None
    status: RunStatus
    started_at: Timestamp


class RunRow(Wire):
    """A run in a list."""

    run_id: RunId = Field(validation_alias="id")
    kind: RunKind
    name: str
    agent_id: AgentId | None
    workflow_id: WorkflowId | None
    trigger: Trigger
    status: RunStatus
    total_cost: Cost
    started_at: Timestamp
    completed_at: Timestamp | None


class NodeRow(Wire):
    """A model request of an agent's run, or a node of a workflow's; cost is the node's own, without its tool calls."""

    node_id: str
    kind: StepKind
    model: str | None = Field(default=None, exclude_if=lambda model: model is None)
    status: StepStatus
    reason: str | None
    cost: Cost
    cost_known: bool
    tokens: int
    latency_ms: int
    output: Any
    branch: str | None
    child_run_id: RunId | None


class CallRow(Wire):
    """A tool call of a run."""

    tool: str
    node_id: str | None
    decision: Decision | None
    status: StepStatus
    reason: str | None
    call_id: str | None
    cost: Cost
    latency_ms: int


def _node(step: Step) -> NodeRow:
    is_call = step.kind is StepKind.TOOL  # its cost stands with the call
    return NodeRow(
        node_id=step.node_id or f"model_{step.position}",
        kind=step.kind,
        model=step.name if step.kind is StepKind.MODEL else None,
        status=step.status,
        reason=step.reason,
        cost=ZERO if is_call else step.cost or ZERO,
        cost_known=is_call or step.cost is not None,
        tokens=step.input_tokens + step.output_tokens,
        latency_ms=step.latency_ms,
        output=step.output,
        branch=step.branch,
        child_run_id=step.child_run_id,
    )


class NodeTurn(Wire):
    """What a node of a workflow gave at one of its turns; `node_id` tells which, inside loops."""

    node_id: str
    status: StepStatus
    reason: str | None
    cost: Cost | None
    latency_ms: int
    output: Any
    branch: str | None
    child_run_id: RunId | None
    at: Timestamp


class RunSummaryReply(RunRow):
    """A run without its steps."""

    model: str | None
    agent_version: int | None
    workflow_version: int | None
    trigger_ref: str | None
    parent_run_id: RunId | None
    retry_of: RunId | None
    input: dict[str, Any]
    output: dict[str, Any] | None
    error: str | None
    total_tokens: int
    unknown_costs: int


class RunDetailReply(RunSummaryReply):
    """The whole story of a run; costs of nodes and calls add up to the total."""

    steps: tuple[Step, ...] = Field(exclude=True)

    @computed_field
    def nodes(self) -> list[NodeRow]:
        """Model requests and workflow nodes, in order."""
        return [_node(step) for step in self.steps if step.kind is not StepKind.TOOL or step.node_id is not None]

    @computed_field
    def mcp_calls(self) -> list[CallRow]:
        """Tool calls, in order, each with its verdict."""
        return [
            CallRow(
                tool=step.name,
                node_id=step.node_id,
                decision=step.decision,
                status=step.status,
                reason=step.reason,
                call_id=step.call_id,
                cost=step.cost or ZERO,
                latency_ms=step.latency_ms,
            )
            for step in self.steps
            if step.kind is StepKind.TOOL
        ]


class StepListed(Wire):
    """A step in a list; a long output is left out, and begins like `output_start`."""

    position: int
    kind: StepKind
    node_id: str | None
    name: str
    status: StepStatus
    decision: Decision | None
    reason: str | None
    call_id: str | None
    cost: Cost | None
    input_tokens: int
    output_tokens: int
    latency_ms: int
    output: Any
    output_start: str | None
    output_size: int
    branch: str | None
    child_run_id: RunId | None
    taken_from: RunId | None
    at: Timestamp


class CallOfStep(Wire):
    """The tool call behind a step, its arguments masked."""

    id: ToolCallId
    tool: str
    state: CallState
    arguments: dict[str, Any]
    result: Any
    reason: str | None
    policy_id: PolicyId | None
    escalation_id: str | None


class StepDetailReply(Wire):
    """A step in full."""

    position: int
    kind: StepKind
    node_id: str | None
    name: str
    status: StepStatus
    decision: Decision | None
    reason: str | None
    cost: Cost | None
    input_tokens: int
    output_tokens: int
    latency_ms: int
    output: Any
    branch: str | None
    child_run_id: RunId | None
    taken_from: RunId | None
    at: Timestamp
    said: Said | None
    call: CallOfStep | None


class RelativeRow(Wire):
    """A run that a run has started, directly or by others."""

    run_id: RunId = Field(validation_alias="id")
    parent_run_id: RunId
    depth: int
    kind: RunKind
    name: str
    status: RunStatus
    total_cost: Cost
    total_tokens: int
    started_at: Timestamp
    completed_at: Timestamp | None


class FamilyReply(Wire):
    """What a run has started; `total` counts what is not listed as well."""

    runs: tuple[RelativeRow, ...]
    total: int
    unfinished: int


class FiguresRow(Wire):
    """An agent's newest run, and what it has spent this month."""

    agent_id: AgentId
    last_run: RunRow | None
    month_spent: Cost
    month_unknown: int


class FiguresReply(Wire):
    """What several agents do."""

    agents: tuple[FiguresRow, ...]


class EventRow(Wire):
    """An event of a run as it was stored."""

    seq: int
    type: str
    data: dict[str, Any]
    at: Timestamp


class WorkflowRunStarted(Wire):
    """A workflow's run that has begun in the background."""

    run_id: RunId = Field(validation_alias="id")
    workflow_id: WorkflowId | None
    status: RunStatus
    started_at: Timestamp


class WorkflowRunDetail(RunDetailReply):
    """The whole story of a workflow's run."""


class RunChanged(Wire):
    """A run that was paused or goes on."""

    run_id: RunId = Field(validation_alias="id")
    status: RunStatus


class RunCancelled(Wire):
    """A run that was stopped."""

    run_id: RunId = Field(validation_alias="id")
    status: Literal[RunStatus.CANCELLED]
    completed_at: Timestamp
