"""What other domains and faces see of runs."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.states import RunKind, RunStatus, StepKind, StepStatus
from interlock.kit.ids import AgentId, RunId, TypedId
from interlock.kit.operations import View


class StepId(TypedId):
    """One step of a run."""

    prefix: ClassVar[str] = "step"


class Run(View):
    """An execution. `unknown_costs` counts model calls whose price nobody knows: they are in no total."""

    id: RunId
    number: int
    kind: RunKind
    agent_id: AgentId | None
    agent_name: str
    model: str
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
    """A model request or a tool call of a run, with its cost."""

    id: StepId
    number: int
    run_id: RunId
    position: int
    kind: StepKind
    name: str
    status: StepStatus
    decision: Decision | None
    reason: str | None
    call_id: str | None
    cost: Decimal | None
    input_tokens: int
    output_tokens: int
    latency_ms: int
    at: datetime


class RunDetail(Run):
    """A run with its steps, in order; costs of the steps add up to the total."""

    steps: tuple[Step, ...]
