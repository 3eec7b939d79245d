"""A workflow as a document, and a document as text."""

from typing import Annotated, Literal

from pydantic import Field

from interlock.domains.workflows.exchange.states import Format
from interlock.domains.workflows.views import MOST_EDGES, MOST_NODES, Edge, Node, WorkflowBudget
from interlock.kit.ids import WorkflowId
from interlock.kit.operations import Command, View


class Definition(Command):
    """What a document holds: everything of a workflow that is not its state or its history."""

    interlock: Annotated[Literal["workflow/1"], Field(description="What this document is.")] = "workflow/1"
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    description: Annotated[str, Field(max_length=10_000)] = ""
    budget: WorkflowBudget = WorkflowBudget()
    nodes: Annotated[tuple[Node, ...], Field(max_length=MOST_NODES)] = ()
    edges: Annotated[tuple[Edge, ...], Field(max_length=MOST_EDGES)] = ()


class WorkflowDocument(View):
    """A version of a workflow as text."""

    workflow_id: WorkflowId
    version: int
    format: Format
    text: str
