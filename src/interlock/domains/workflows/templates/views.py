"""Templates as faces and other domains see them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from interlock.domains.workflows.states import WorkflowStatus
from interlock.domains.workflows.views import Edge, Node, WorkflowBudget
from interlock.kit.ids import WorkflowId
from interlock.kit.money import Usd
from interlock.kit.operations import Command, View

TemplateId = Annotated[
    str, Field(pattern=r"^tpl_[a-z0-9_]{1,60}$", description="Its own name, the same on every server.")
]


class Template(Command):
    """A workflow on offer, as its file has it.

    Args:
        input_data: what a run may be started with, as an example.
    """

    id: TemplateId
    name: Annotated[str, Field(min_length=1, max_length=200)]
    category: Annotated[str, Field(pattern=r"^[a-z]{2,40}$")]
    description: Annotated[str, Field(min_length=1, max_length=2_000)]
    estimated_cost_per_run: Usd
    input_data: dict[str, object]
    budget: WorkflowBudget = WorkflowBudget()
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class TemplateRow(View):
    """A workflow on offer, without its graph; `installs` counts the copies made on this server."""

    id: TemplateId
    name: str
    category: str
    description: str
    node_count: int
    estimated_cost_per_run: Decimal
    installs: int


class TemplateDetail(TemplateRow):
    """A workflow on offer, with its graph and an example of what a run is started with."""

    input_data: dict[str, object]
    budget: WorkflowBudget
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class Instance(View):
    """The draft that was made of a template."""

    workflow_id: WorkflowId
    name: str
    template_id: TemplateId
    status: WorkflowStatus
    created_at: datetime
