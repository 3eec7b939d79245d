"""Native replies about templates."""

from interlock.domains.workflows.states import WorkflowStatus
from interlock.domains.workflows.templates.views import TemplateId
from interlock.domains.workflows.views import Edge, Node, WorkflowBudget
from interlock.faces.rest.wire.base import Dollars, Timestamp, Wire
from interlock.kit.ids import WorkflowId


class TemplateListed(Wire):
    """A workflow on offer."""

    id: TemplateId
    name: str
    category: str
    description: str
    node_count: int
    estimated_cost_per_run: Dollars
    installs: int


class TemplateShown(TemplateListed):
    """A workflow on offer with its graph."""

    input_data: dict[str, object]
    budget: WorkflowBudget
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class TemplateInstantiated(Wire):
    """The draft that was made of a template."""

    workflow_id: WorkflowId
    name: str
    template_id: TemplateId
    status: WorkflowStatus
    created_at: Timestamp
