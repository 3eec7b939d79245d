"""What other domains and faces see of workflows."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.workflows.states import Category, OnError, WorkflowStatus
from interlock.kit.ids import WorkflowId
from interlock.kit.money import Usd
from interlock.kit.operations import Command, View
from interlock.runtime.context import UserId

MOST_NODES = 5_000
MOST_EDGES = 20_000
ERROR_BRANCH = "error"

NodeKey = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$", description="Unique in the workflow; expressions use it.")
]
BranchName = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]+$")]


class Place(Command):
    """Where a node is drawn."""

    x: Annotated[float, Field(allow_inf_nan=False, ge=-1e7, le=1e7)]
    y: Annotated[float, Field(allow_inf_nan=False, ge=-1e7, le=1e7)]


class Node(Command):
    """One node of a workflow; what `config` holds depends on its kind."""

    id: NodeKey
    kind: Annotated[str, Field(min_length=1, max_length=40)]
    name: Annotated[str, Field(max_length=200)] = ""
    config: dict[str, Any] = Field(default_factory=dict)
    on_error: OnError = OnError.FAIL
    retries: Annotated[int, Field(ge=0, le=10, description="How often a failing node is tried again.")] = 0
    position: Place | None = None


class Edge(Command):
    """From one node to the next; with a branch, only when the source takes it."""

    source: NodeKey
    target: NodeKey
    branch: BranchName | None = None


class WorkflowBudget(Command):
    """A workflow's own ceilings, beside those of the workspace; null is none."""

    per_run_cap: Usd | None = None
    daily_cap: Usd | None = None


class WorkflowRow(View):
    """A workflow without its graph."""

    id: WorkflowId
    number: int
    name: str
    description: str
    status: WorkflowStatus
    version: int
    node_count: int
    per_run_cap: Decimal | None
    daily_cap: Decimal | None
    template_id: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def budget(self) -> WorkflowBudget:
        """Its own ceilings."""
        return WorkflowBudget(per_run_cap=self.per_run_cap, daily_cap=self.daily_cap)


class Workflow(WorkflowRow):
    """A workflow with its graph."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class WorkflowVersion(View):
    """A graph as it was saved; versions never change."""

    number: int
    workflow_id: WorkflowId
    version: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    created_by: UserId | None
    created_at: datetime


class NodeKindFacts(View):
    """A kind of node as an editor needs it.

    `config` is a JSON schema. Of its own words, `x-choices` names the list a value is picked from, `x-language` is
    `template` for texts with `{{ }}` and `expression` for bare expressions, `x-rows` asks for a tall field, `x-json`
    for one of JSON. `fresh` is a configuration to begin with. `scope` is what its author must have beside `workflows`.
    """

    kind: str
    title: str
    summary: str
    category: Category
    branches: tuple[str, ...]
    pure: bool
    scope: str | None
    fresh: dict[str, Any]
    config: dict[str, Any]


class Palette(View):
    """Every kind of node there is."""

    kinds: tuple[NodeKindFacts, ...]


class Problem(View):
    """What is wrong with a graph, and where."""

    node: str | None
    field: str
    message: str


class Checked(View):
    """What a check of a graph found; a graph without problems can be saved.

    `branches` are those that edges may leave a node by, beside plain ones, as its configuration has them.
    """

    ok: bool
    problems: tuple[Problem, ...]
    branches: dict[str, tuple[str, ...]]
