"""Native replies about runs."""

from typing import Any, Literal

from pydantic import Field, computed_field

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.states import RunStatus, StepKind, StepStatus
from interlock.domains.runs.views import Step
from interlock.faces.rest.wire.base import Cost, Timestamp, Wire
from interlock.kit.ids import AgentId, RunId
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
    agent_id: AgentId | None
    status: RunStatus
    total_cost: Cost
    started_at: Timestamp
    completed_at: Timestamp | None


class NodeRow(Wire):
    """A model request of a run."""

    node_id: str
    model: str
    status: StepStatus
    cost: Cost
    cost_known: bool
    tokens: int
    latency_ms: int


class CallRow(Wire):
    """A tool call of a run."""

    tool: str
    decision: Decision | None
    status: StepStatus
    reason: str | None
    call_id: str | None
    cost: Cost
    latency_ms: int


class RunDetailReply(RunRow):
    """The whole story of a run; costs of nodes and calls add up to the total."""

    agent_name: str
    model: str
    input: dict[str, Any]
    output: dict[str, Any] | None
    error: str | None
    total_tokens: int
    unknown_costs: int
    steps: tuple[Step, ...] = Field(exclude=True)

    @computed_field
    def nodes(self) -> list[NodeRow]:
        """Model requests, in order."""
        return [
            NodeRow(
                node_id=f"model_{step.position}",
                model=step.name,
                status=step.status,
                cost=step.cost or ZERO,
                cost_known=step.cost is not None,
                tokens=step.input_tokens + step.output_tokens,
                latency_ms=step.latency_ms,
            )
            for step in self.steps
            if step.kind is StepKind.MODEL
        ]

    @computed_field
    def mcp_calls(self) -> list[CallRow]:
        """Tool calls, in order, each with its verdict."""
        return [
            CallRow(
                tool=step.name,
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


class RunCancelled(Wire):
    """A run that was stopped."""

    run_id: RunId = Field(validation_alias="id")
    status: Literal[RunStatus.CANCELLED]
    completed_at: Timestamp
