"""What a kind of node is: the facts its folder declares, and what its code is given to work with.

A folder under `nodes/` holds `manifest.py` with `MANIFEST = Manifest(...)` and `node.py` with

    async def run(work: Work, config: Config) -> Outcome

`node.py` is imported when a node of the kind first runs, so that heavy libraries cost nothing before. A pure kind
computes on data: it is never journaled, and is computed again after a crash. Every other kind reaches the world through
`work.effect` (at least once, make an idempotency key from `work.key`) or `work.transact` (exactly once, our database).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.runs.service import spender_of
from interlock.domains.runs.service.progress import Progress, StepRecord
from interlock.domains.workflows.states import Category
from interlock.domains.workflows.views import Node
from interlock.kit.expressions import Budget, Template, parse, render_deep
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.kit.money import ZERO
from interlock.runtime.context import Actor, ActorKind, Ctx, UserId
from interlock.runtime.durable import Flow, Json, Step


class NodeConfig(BaseModel):
    """Base of a kind's configuration: frozen, and a field nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def branches(self) -> tuple[str, ...]:
        """The branches that edges may leave by, beside plain ones."""
        return ()

    def tools(self) -> tuple[str, ...]:
        """The tools that the node may call."""
        return ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a node came to.

    Args:
        output: what the next nodes read.
        branch: the edges it takes; None takes those without a branch.
        record: the step of the run, where it is more than a node that costs nothing.
        position: the place among the steps that was kept while a person was asked.
        event: of the record; by default `node.finished`.
    """

    output: Json
    branch: str | None = None
    record: StepRecord | None = None
    position: int | None = None
    event: str = "node.finished"


class NodeFailed(Exception):  # noqa: N818 - an outcome of the user's graph, not an error of ours
    """A node could not do its work; the message is for people.

    Args:
        record: the step that tells of it, where something was done or paid nevertheless.
        may_retry: whether trying again could help.
    """

    def __init__(
        self,
        message: str,
        *,
        record: StepRecord | None = None,
        position: int | None = None,
        may_retry: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.record = record
        self.position = position
        self.may_retry = may_retry


class RunStopped(Exception):  # noqa: N818 - as above
    """A node ends the whole run.

    Args:
        budget: a used-up budget ends it; else a person's no.
    """

    def __init__(
        self,
        message: str,
        *,
        budget: bool = False,
        record: StepRecord | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.budget = budget
        self.record = record
        self.position = position


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a node may know of the run it belongs to.

    Args:
        is_public: somebody unknown started it, by a hook, a form or a chat.
        spender: the workflow as budgets and policies count it: like an agent.
    """

    run_id: RunId
    workflow_id: WorkflowId
    workflow_name: str
    run_cap: Decimal | None
    daily_cap: Decimal | None
    depth: int
    user_id: UserId | None
    started_at: datetime
    is_public: bool = False

    @property
    def spender(self) -> AgentId:
        """The workflow in the place where budgets count an agent's spending."""
        return spender_of(self.workflow_id)

    def acting(self, ctx: Ctx) -> Ctx:
        """A flow's context as the workflow, outside any unit of work."""
        return ctx.acting_as(self._actor(), frozenset())

    def within(self, ctx: Ctx) -> Ctx:
        """The same inside the unit of work that is open."""
        acting = ctx.acting_as(self._actor(), frozenset())
        return acting.inside(ctx.the_unit())

    def _actor(self) -> Actor:
        return Actor(ActorKind.WORKFLOW, self.workflow_id, self.workflow_name, self.user_id)


@dataclass(slots=True)
class Children:
    """What the runs cost that the nodes of a run have started and seen end; its own ceiling is for them too."""

    cost: Decimal = ZERO


@dataclass(slots=True)
class Work:
    """One node at work: its input, the data its expressions see, and its ways into the world.

    Args:
        key: unique in the run and the same on every replay: the node's id, with the turns of the loops around it.
        data: what the node reads: the output of the node before it, or of several by their ids.
        scope: the names that expressions know.
        branches: those its edges leave by.
        walk_body: runs the nodes behind a loop's `item` branch once, for an item.
        budget: what all expressions of the node together may cost.
    """

    key: str
    node: Node
    data: Json
    scope: Mapping[str, Any]
    run: RunFacts
    progress: Progress
    branches: frozenset[str]
    walk_body: Callable[[int, Json], Awaitable[Json]]
    attempt: int = 0
    budget: Budget = field(default_factory=Budget)
    children: Children = field(default_factory=Children)

    @property
    def flow(self) -> Flow:
        """The durable flow of the run."""
        return self.progress.flow

    @property
    def run_cap(self) -> Decimal | None:
        """What the run itself may cost: its ceiling without what its children took."""
        return None if self.run.run_cap is None else max(self.run.run_cap - self.children.cost, ZERO)

    async def left(self, ctx: Ctx) -> Decimal | None:
        """What the run's ceiling leaves for another run; inside a unit of work."""
        if self.run_cap is None:
            return None
        return max(self.run_cap - await budgets.spent_by_run(ctx, self.run.run_id), ZERO)

    def value(self, template: str) -> Json:
        """A template's value: native when it is one whole `{{ expression }}`, else text."""
        return Template.parse(template).value(self.scope, budget=self.budget)

    def text(self, template: str) -> str:
        """A template as text."""
        return Template.parse(template).render(self.scope, budget=self.budget)

    def compute(self, expression: str) -> Json:
        """An expression's value."""
        return parse(expression).evaluate(self.scope, budget=self.budget)

    def filled(self, structure: Json) -> Json:
        """A JSON structure with every text in it taken as a template."""
        return render_deep(structure, self.scope, budget=self.budget)

    async def effect(self, step: Step, name: str = "do") -> Json:
        """A durable step that reaches outside: recorded when done, repeated when it was cut off."""
        return await self.flow.step(self.step_key(name), step)

    async def transact(self, step: Step, name: str = "do") -> Json:
        """A durable step in our own database, exactly once."""
        return await self.flow.transact(self.step_key(name), step)

    def step_key(self, name: str) -> str:
        """The key of a durable step of this node, for this attempt at it."""
        return f"{self.key}:{name}" if self.attempt == 0 else f"{self.key}:{name}:again{self.attempt}"


def chosen(what: str, description: str) -> Any:
    """A field whose value is picked from the workspace's agents, tables and the like; editors offer a list.

    Args:
        what: `agents`, `documents`, `models`, `tables`, `tools` or `workflows`.
    """
    return Field(description=description, json_schema_extra={"x-choices": what})


def on_lines(description: str) -> Any:
    """A text that may go over several lines; editors give it room."""
    return Field(description=description, json_schema_extra={"x-rows": 5})


Run = Callable[[Work, Any], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of a kind of node.

    Args:
        branches: that every node of the kind has; those that follow from a configuration are its own to name.
        pure: it only computes.
        scope: what a credential must carry, beside `workflows`, to have such a node work.
        fresh: a configuration to begin with; what only its author can know is left out.
    """

    kind: str
    title: str
    summary: str
    category: Category
    config: type[NodeConfig]
    branches: tuple[str, ...] = ()
    pure: bool = False
    scope: str | None = None
    fresh: Mapping[str, Any] = field(default_factory=dict)
