"""What other domains and faces see of runs."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.states import RunKind, RunStatus, StepKind, StepStatus, Trigger
from interlock.domains.tools.views import ToolCall
from interlock.kit.ids import AgentId, RunId, TypedId, WorkflowId
from interlock.kit.operations import View


class StepId(TypedId):
    """One step of a run."""

    prefix: ClassVar[str] = "step"


class RunSummary(View):
    """An execution in a list, without what it was given and gave; `name` is its agent's or workflow's at the start.

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
    error: str | None
    total_cost: Decimal
    total_tokens: int
    unknown_costs: int
    started_at: datetime
    completed_at: datetime | None


class Run(RunSummary):
    """An execution."""

    input: dict[str, Any]
    output: dict[str, Any] | None


class Step(View):
    """A model request, a tool call or a workflow node of a run, with its cost.

    `branch` is the way a node went on; `child_run_id` the run it started; `taken_from` the earlier run in which it was
    made, where this run only took it over and paid nothing for it.
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
    taken_from: RunId | None = None
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


class StepRow(Step):
    """A step in a list: a long output is left out, and begins like `output_start`.

    `output_size` is in characters of JSON.
    """

    output_start: str | None = None
    output_size: int = 0


class Said(View):
    """What a model answered: its words, masked by the privacy policies, and the tools it asked for."""

    text: str
    tools: tuple[str, ...]


class StepDetail(Step):
    """A step in full, with the words of the model and the tool call behind it."""

    said: Said | None = None
    call: ToolCall | None = None


class Relative(View):
    """A run that a run has started, or one that such a run has started; `depth` counts the starts between them."""

    id: RunId
    parent_run_id: RunId
    depth: int
    kind: RunKind
    name: str
    status: RunStatus
    total_cost: Decimal
    total_tokens: int
    started_at: datetime
    completed_at: datetime | None


class Family(View):
    """What a run has started, oldest first; `total` counts what is not listed as well.

    What a child costs is in the total of the node that started it.
    """

    runs: tuple[Relative, ...]
    total: int
    unfinished: int


class RunDetail(Run):
    """A run with its steps, in order; costs of the steps add up to the total."""

    steps: tuple[Step, ...]


class AgentFigures(View):
    """What an agent does: its newest run, and what it has spent this month (UTC); unknown costs are in no sum."""

    agent_id: AgentId
    last_run: RunSummary | None
    month_spent: Decimal
    month_unknown: int


class FiguresOfAgents(View):
    """What several agents do."""

    agents: tuple[AgentFigures, ...]
