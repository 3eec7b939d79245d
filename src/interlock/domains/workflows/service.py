"""Operations on workflows: define, read, change, delete, check a graph, run, run again from a node."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import LIFECYCLE, StepStatus, Trigger
from interlock.domains.runs.views import Run, RunDetail
from interlock.domains.workflows import inventory, repository
from interlock.domains.workflows.errors import run_in_flight, unfit_graph, version_conflict
from interlock.domains.workflows.events import WorkflowDefined, WorkflowRemoved
from interlock.domains.workflows.graph import Plan, branches_of, check
from interlock.domains.workflows.jobs import FORGET_AT_ONCE, FORGET_RUNS, ForgetRuns
from interlock.domains.workflows.launching import Launch, launch, start
from interlock.domains.workflows.palette import kinds
from interlock.domains.workflows.plans import plan_of
from interlock.domains.workflows.repository import Workflows
from interlock.domains.workflows.states import WorkflowStatus
from interlock.domains.workflows.views import (
    MOST_EDGES,
    MOST_NODES,
    Checked,
    Edge,
    Node,
    NodeKindFacts,
    Palette,
    Workflow,
    WorkflowBudget,
    WorkflowRow,
    WorkflowVersion,
)
from interlock.kit.errors import conflict, forbidden, invalid, not_found
from interlock.kit.ids import RunId, WorkflowId
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx

systems = inventory.systems

__all__ = ["Launch", "launch", "systems"]

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="What people call it.")]
Description = Annotated[str, Field(max_length=10_000)]
Nodes = Annotated[tuple[Node, ...], Field(max_length=MOST_NODES)]
Edges = Annotated[tuple[Edge, ...], Field(max_length=MOST_EDGES)]
InputData = Annotated[dict[str, Any], Field(description="What the trigger gives to the first nodes.")]


class CreateWorkflow(Command):
    """A draft; without nodes it gives back what it is given."""

    name: Name
    description: Description | None = None
    nodes: Nodes = ()
    edges: Edges = ()
    budget: WorkflowBudget = WorkflowBudget()


class UpdateWorkflow(Command):
    """The fields to change; absent ones stay. A changed graph is a new version."""

    workflow_id: WorkflowId
    name: Name | None = None
    description: Description | None = None
    status: WorkflowStatus | None = None
    nodes: Nodes | None = None
    edges: Edges | None = None
    budget: WorkflowBudget | None = None
    expected_version: Annotated[
        int | None, Field(ge=1, description="Refuse when somebody else has saved another version meanwhile.")
    ] = None


class WorkflowRef(Command):
    """Which workflow."""

    workflow_id: WorkflowId


class ListWorkflows(PageQuery):
    """Which workflows, and which page of them."""

    status: WorkflowStatus | None = None


class ListVersions(PageQuery):
    """Whose versions, and which page of them."""

    workflow_id: WorkflowId


class VersionRef(Command):
    """Which version of which workflow."""

    workflow_id: WorkflowId
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class CheckGraph(Command):
    """A graph that is not saved."""

    nodes: Nodes
    edges: Edges = ()


class RunWorkflow(Command):
    """Which workflow, and what it is given."""

    workflow_id: WorkflowId
    input_data: InputData = Field(default_factory=dict)


class WorkflowRunRef(Command):
    """Which run of which workflow."""

    workflow_id: WorkflowId
    run_id: RunId


class RunAgain(Command):
    """An ended run to be repeated from a node on; by default from its first node that failed."""

    run_id: RunId
    from_node: Annotated[str, Field(max_length=200)] | None = None


@operation("workflows.create", scope="workflows", effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreateWorkflow) -> Workflow:
    """Define a workflow as a draft; a graph that cannot run is refused, naming node and field."""
    return await define(ctx, command)


async def define(ctx: Ctx, command: CreateWorkflow, *, template_id: str | None = None) -> Workflow:
    """Write a draft, in the caller's unit of work."""
    _require_fit(command.nodes, command.edges)
    require_scopes(ctx, command.nodes)
    row = await Workflows(ctx).add(
        WorkflowId.new(),
        name=command.name,
        description=command.description or "",
        status=WorkflowStatus.DRAFT,
        version=1,
        node_count=len(command.nodes),
        per_run_cap=command.budget.per_run_cap,
        daily_cap=command.budget.daily_cap,
        template_id=template_id,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    await repository.keep_graph(ctx, row.id, 1, command.nodes, command.edges)
    await registry.note(ctx, inventory.system(row, await plan_of(ctx, row.id, row.version), ctx.actor.user_id))
    await ctx.emit(WorkflowDefined(workflow_id=row.id))
    return Workflow(**dict(row), nodes=command.nodes, edges=command.edges)


@operation("workflows.get", scope="workflows")
async def get(ctx: Ctx, command: WorkflowRef) -> Workflow:
    """Show one workflow with its graph."""
    row = await Workflows(ctx).get(command.workflow_id)
    graph = await repository.graph(ctx, row.id, row.version)
    return Workflow(**dict(row), nodes=graph.nodes, edges=graph.edges)


@operation("workflows.list", scope="workflows")
async def list_(ctx: Ctx, command: ListWorkflows) -> Page[WorkflowRow]:
    """List the workspace's workflows, newest first."""
    return await Workflows(ctx).page(command, {"status": command.status})


@operation("workflows.versions", scope="workflows")
async def versions(ctx: Ctx, command: ListVersions) -> Page[WorkflowVersion]:
    """List the graphs a workflow has had, newest first."""
    await Workflows(ctx).get(command.workflow_id)
    return await repository.versions(ctx, command.workflow_id, command)


@operation("workflows.get_version", scope="workflows")
async def get_version(ctx: Ctx, command: VersionRef) -> WorkflowVersion:
    """Show a graph that a workflow has or had."""
    row = await Workflows(ctx).get(command.workflow_id)
    return await repository.graph(ctx, row.id, command.version)


@operation("workflows.update", scope="workflows", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateWorkflow) -> Workflow:
    """Change a workflow, publish it or take it back to draft; runs under way keep the graph they began with."""
    values = changes(command, "workflow_id", "expected_version")
    for required in ("name", "status", "nodes", "edges"):
        if required in values and values[required] is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    await (await ctx.session()).lock(f"workflow:{command.workflow_id}")  # versions are numbered one after the other
    before = await get(ctx, WorkflowRef(workflow_id=command.workflow_id))
    if command.expected_version is not None and command.expected_version != before.version:
        raise version_conflict(before.name, command.expected_version, before.version)
    nodes, edges = values.pop("nodes", before.nodes), values.pop("edges", before.edges)
    if "description" in values:
        values["description"] = values["description"] or ""
    if "budget" in values:
        budget = values.pop("budget") or WorkflowBudget()
        values |= {name: getattr(budget, name) for name in budget.model_fields_set or WorkflowBudget.model_fields}
    if (nodes, edges) != (before.nodes, before.edges):
        _require_fit(nodes, edges)
        require_scopes(ctx, nodes)
        values |= {"version": before.version + 1, "node_count": len(nodes)}
        await repository.keep_graph(ctx, before.id, before.version + 1, nodes, edges)
    row = await Workflows(ctx).change(before.id, {**values, "updated_at": ctx.now})
    await registry.note(ctx, inventory.system(row, await plan_of(ctx, row.id, row.version)))
    await ctx.emit(WorkflowDefined(workflow_id=row.id))
    return Workflow(**dict(row), nodes=nodes, edges=edges)


@operation("workflows.delete", scope="workflows", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: WorkflowRef) -> WorkflowId:
    """Remove a workflow with its run history; the ledger keeps its entries."""
    row = await Workflows(ctx).get(command.workflow_id)
    if await runs.has_in_flight(ctx, row.id):
        raise run_in_flight(row.name)
    await Workflows(ctx).remove(row.id)
    await repository.drop_graphs(ctx, row.id)
    if await runs.forget_workflow(ctx, row.id, FORGET_AT_ONCE) == FORGET_AT_ONCE:
        await ctx.runtime.jobs.enqueue(ctx, FORGET_RUNS, ForgetRuns(workflow_id=row.id))
    await registry.note_removed(ctx, SystemKind.WORKFLOW, str(row.id))
    await ctx.emit(WorkflowRemoved(workflow_id=row.id))
    return row.id


@operation("workflows.kinds", scope="workflows")
async def node_kinds(ctx: Ctx, command: Nothing) -> Palette:
    """List the kinds of nodes, each with the schema of its configuration."""
    return Palette(
        kinds=tuple(
            NodeKindFacts(
                kind=manifest.kind,
                title=manifest.title,
                summary=manifest.summary,
                category=manifest.category,
                branches=manifest.branches,
                pure=manifest.pure,
                scope=manifest.scope,
                fresh=dict(manifest.fresh),
                config=manifest.config.model_json_schema(),
            )
            for manifest in kinds().values()
        )
    )


@operation("workflows.check", scope="workflows")
async def check_graph(ctx: Ctx, command: CheckGraph) -> Checked:
    """Tell everything that is wrong with a graph without saving it."""
    problems = check(command.nodes, command.edges, kinds())
    return Checked(ok=not problems, problems=problems, branches=branches_of(command.nodes, kinds()))


@operation("workflows.run", scope="workflows", effect=Effect.WRITE)
async def run(ctx: Ctx, command: RunWorkflow) -> Run:
    """Start a workflow by hand; it works in the background, and drafts may be tried this way."""
    require_scopes(ctx, (await get(ctx, WorkflowRef(workflow_id=command.workflow_id))).nodes)
    return await launch(ctx, Launch(command.workflow_id, command.input_data, Trigger.MANUAL))


@operation("workflows.get_run", scope="workflows")
async def get_run(ctx: Ctx, command: WorkflowRunRef) -> RunDetail:
    """Show one run of a workflow: what each node and tool call gave and cost."""
    row = await Workflows(ctx).get(command.workflow_id)
    detail = await runs.get(ctx, runs.RunRef(run_id=command.run_id))
    if detail.workflow_id != row.id:
        raise not_found("run of this workflow", command.run_id)
    return detail


@operation("workflows.run_again", scope="workflows", effect=Effect.WRITE)
async def run_again(ctx: Ctx, command: RunAgain) -> Run:
    """Repeat an ended run from a node on; what stands before that node, or beside it, is taken over as it was."""
    earlier = await runs.get(ctx, runs.RunRef(run_id=command.run_id))
    if earlier.workflow_id is None or earlier.workflow_version is None:
        raise conflict("Only runs of workflows can be repeated from a node.", hint="Start the agent again instead.")
    if not LIFECYCLE.is_final(earlier.status):
        raise conflict(f"The run is {earlier.status.value}.", hint="Cancel it first, or wait for its end.")
    row = await Workflows(ctx).get(earlier.workflow_id)
    plan = await plan_of(ctx, row.id, earlier.workflow_version)
    require_scopes(ctx, [planned.node for planned in plan.nodes.values()])
    from_node = command.from_node or _first_unfinished(plan, earlier)
    if from_node is not None and from_node not in plan.regions.get(None, ()):
        where = plan.nodes.get(from_node)
        hint = f"It stands inside the loop '{where.loop}': repeat from there." if where else "Name a node of the run."
        raise invalid(f"Node '{from_node}' cannot be repeated from.", field="from_node", hint=hint)
    again = Launch(row.id, earlier.input, Trigger.MANUAL, trigger_ref=str(earlier.id))
    return await start(ctx, row, plan, again, earlier.workflow_version, retry_of=earlier.id, from_node=from_node)


def _require_fit(nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> None:
    problems = check(nodes, edges, kinds())
    if problems:
        raise unfit_graph(problems)


def require_scopes(ctx: Ctx, nodes: Iterable[Node]) -> None:
    """Refuse whoever may not do by itself what its nodes would do in its place.

    Raises:
        InterlockError: forbidden, naming the node and the scope.
    """
    for node in nodes:
        scope = kinds()[node.kind].scope
        if scope is not None and scope not in ctx.scopes and "*" not in ctx.scopes:
            raise forbidden(
                f"Node '{node.id}' needs the scope '{scope}' beside 'workflows'.",
                scope=scope,
                field=f"nodes[{node.id}].kind",
                hint=f"Use a key that carries '{scope}' too.",
            )


def _first_unfinished(plan: Plan, earlier: RunDetail) -> str | None:
    """Where a run failed: its first node, in the order of the walk, that was begun and not finished."""
    failed = {step.node_id for step in earlier.steps if step.status is not StepStatus.COMPLETED}
    return next((key for key in plan.regions.get(None, ()) if key in failed), None)
