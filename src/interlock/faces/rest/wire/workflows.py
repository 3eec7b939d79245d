"""Native replies about workflows."""

from interlock.domains.runs.states import RunStatus
from interlock.domains.workflows.exchange.states import Format
from interlock.domains.workflows.n8n.views import ImportReport
from interlock.domains.workflows.states import WorkflowStatus
from interlock.domains.workflows.views import Checked, Edge, Node, Palette, WorkflowBudget
from interlock.domains.workflows.watching.states import NodeState
from interlock.faces.rest.wire.base import Cost, Timestamp, Wire
from interlock.faces.rest.wire.runs import RunRow
from interlock.kit.ids import RunId, WorkflowId


class WorkflowCreated(Wire):
    """A fresh draft."""

    id: WorkflowId
    name: str
    status: WorkflowStatus
    created_at: Timestamp


class WorkflowListed(WorkflowCreated):
    """A workflow in a list."""

    description: str
    version: int
    node_count: int
    updated_at: Timestamp


class WorkflowUpdated(Wire):
    """A changed workflow."""

    id: WorkflowId
    name: str
    status: WorkflowStatus
    version: int
    updated_at: Timestamp


class WorkflowDetail(WorkflowListed):
    """A workflow with its graph."""

    budget: WorkflowBudget
    template_id: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class VersionRow(Wire):
    """A graph as it was saved."""

    version: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    created_at: Timestamp


class WorkflowAtWorkRow(WorkflowListed):
    """A workflow with its last run and what it did lately."""

    last_run: RunRow | None
    runs_since: int
    cost_since: Cost


class DocumentRow(Wire):
    """A workflow as text."""

    workflow_id: WorkflowId
    version: int
    format: Format
    text: str


class NodeProgressRow(Wire):
    """How a node of a run stands."""

    node: str
    state: NodeState
    turns: int
    cost: Cost
    unknown_costs: int
    duration_ms: int | None
    branch: str | None
    reason: str | None
    approval_id: str | None
    child_run_id: RunId | None


class WorkflowRunProgress(Wire):
    """A run, node by node."""

    run_id: RunId
    workflow_id: WorkflowId
    workflow_version: int
    status: RunStatus
    total_cost: Cost
    error: str | None
    started_at: Timestamp
    completed_at: Timestamp | None
    nodes: tuple[NodeProgressRow, ...]


class NodeKindRow(Wire, Palette):
    """Every kind of node with the schema of its configuration."""


class GraphChecked(Wire, Checked):
    """What is wrong with a graph."""


class ImportedWorkflow(Wire, ImportReport):
    """What became of an imported file."""
