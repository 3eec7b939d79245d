"""Native replies about workflows."""

from interlock.domains.workflows.n8n.views import ImportReport
from interlock.domains.workflows.states import WorkflowStatus
from interlock.domains.workflows.views import Checked, Edge, Node, Palette, WorkflowBudget
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.kit.ids import WorkflowId


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


class NodeKindRow(Wire, Palette):
    """Every kind of node with the schema of its configuration."""


class GraphChecked(Wire, Checked):
    """What is wrong with a graph."""


class ImportedWorkflow(Wire, ImportReport):
    """What became of an imported file."""
