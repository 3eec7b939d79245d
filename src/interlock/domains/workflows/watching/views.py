"""What somebody sees who watches workflows."""

from datetime import datetime
from decimal import Decimal

from interlock.domains.runs.states import RunStatus
from interlock.domains.runs.views import Run
from interlock.domains.workflows.views import WorkflowRow
from interlock.domains.workflows.watching.states import NodeState
from interlock.kit.ids import RunId, WorkflowId
from interlock.kit.operations import View


class WorkflowAtWork(WorkflowRow):
    """A workflow with its last run, and how many it had and what they cost since a moment."""

    last_run: Run | None
    runs_since: int
    cost_since: Decimal


class NodeProgress(View):
    """A node of a run; `turns` counts how often it came to an end, which in a loop is more than once.

    `duration_ms` is the last turn's, waiting included; `cost` sums all turns, those of unknown price left out.
    `approval_id` is the gate it waits at, `child_run_id` the run it has started.
    """

    node: str
    state: NodeState
    turns: int
    cost: Decimal
    unknown_costs: int
    duration_ms: int | None
    branch: str | None
    reason: str | None
    approval_id: str | None
    child_run_id: RunId | None


class RunProgress(View):
    """A run of a workflow, node by node in the order of the graph."""

    run_id: RunId
    workflow_id: WorkflowId
    workflow_version: int
    status: RunStatus
    total_cost: Decimal
    error: str | None
    started_at: datetime
    completed_at: datetime | None
    nodes: tuple[NodeProgress, ...]
