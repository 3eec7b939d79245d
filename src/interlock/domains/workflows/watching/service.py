"""Operations for those who watch: all workflows at a glance, one run node by node, what a node gave."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from interlock.domains.runs import service as runs
from interlock.domains.runs.states import LIFECYCLE
from interlock.domains.runs.views import Step
from interlock.domains.workflows import repository
from interlock.domains.workflows.repository import Workflows
from interlock.domains.workflows.service import ListWorkflows, WorkflowRunRef
from interlock.domains.workflows.views import NodeKey
from interlock.domains.workflows.watching.progress import progress
from interlock.domains.workflows.watching.views import RunProgress, WorkflowAtWork
from interlock.kit.errors import not_found
from interlock.kit.operations import operation
from interlock.kit.paging import Page
from interlock.runtime.context import Ctx

MOST_STEPS = 5_000
"""Of a longer run the newest steps tell how its nodes stand."""
_MOST_EVENTS = 5_000
_MOST_TURNS = 20


class ListAtWork(ListWorkflows):
    """Which workflows, and since when their runs are counted."""

    since: Annotated[AwareDatetime, Field(description="Usually when the caller's day began.")]


class NodeRef(WorkflowRunRef):
    """Which node of which run."""

    node: NodeKey


@operation("workflows.at_work", scope="workflows")
async def at_work(ctx: Ctx, command: ListAtWork) -> Page[WorkflowAtWork]:
    """List workflows with their last run, and with the number and cost of their runs since a moment."""
    page = await Workflows(ctx).page(command, {"status": command.status})
    keys = [row.id for row in page.items]
    last = await runs.last_of_workflows(ctx, keys)
    tallies = await runs.tally_of_workflows(ctx, keys, command.since)
    rows = [
        WorkflowAtWork(
            **dict(row), last_run=last.get(row.id), runs_since=tallies[row.id].runs, cost_since=tallies[row.id].cost
        )
        for row in page.items
    ]
    return Page(tuple(rows), page.limit, page.offset)


@operation("workflows.progress", scope="workflows")
async def progress_of(ctx: Ctx, command: WorkflowRunRef) -> RunProgress:
    """Show how each node of a run stands: waiting, running, held, done, failed, skipped or stopped."""
    row = await Workflows(ctx).get(command.workflow_id)
    run = await runs.summary(ctx, command.run_id)
    if run.workflow_id != row.id or run.workflow_version is None:
        raise not_found("run of this workflow", command.run_id)
    graph = await repository.graph(ctx, row.id, run.workflow_version)
    found = progress(
        [node.id for node in graph.nodes],
        await runs.node_steps(ctx, run.id, MOST_STEPS),
        await runs.told(ctx, run.id, _MOST_EVENTS),
        has_ended=LIFECYCLE.is_final(run.status),
    )
    return RunProgress(
        run_id=run.id,
        workflow_id=row.id,
        workflow_version=run.workflow_version,
        status=run.status,
        total_cost=run.total_cost,
        error=run.error,
        started_at=run.started_at,
        completed_at=run.completed_at,
        nodes=found,
    )


@operation("workflows.node_steps", scope="workflows")
async def node_steps(ctx: Ctx, command: NodeRef) -> tuple[Step, ...]:
    """Show what a node of a run gave, its newest turns first."""
    row = await Workflows(ctx).get(command.workflow_id)
    run = await runs.summary(ctx, command.run_id)
    if run.workflow_id != row.id:
        raise not_found("run of this workflow", command.run_id)
    return await runs.steps_of_node(ctx, run.id, command.node, _MOST_TURNS)
