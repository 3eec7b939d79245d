"""What is read of runs to show workflows at work; lean, because it is asked for again and again."""

from collections.abc import Sequence
from datetime import datetime

from interlock.domains.runs.repository import Runs, Steps
from interlock.domains.runs.service.progress import stream_of
from interlock.domains.runs.views import NodeStep, Run, Step, Tally
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.context import Ctx
from interlock.runtime.events import StreamEvent

_MOST_COUNTED = 10_000


async def last_of_workflows(ctx: Ctx, workflows: Sequence[WorkflowId]) -> dict[WorkflowId, Run]:
    """The newest run of each workflow that has one."""
    found = {workflow: await Runs(ctx).last_of_workflow(workflow) for workflow in workflows}
    return {workflow: run for workflow, run in found.items() if run is not None}


async def tally_of_workflows(ctx: Ctx, workflows: Sequence[WorkflowId], since: datetime) -> dict[WorkflowId, Tally]:
    """How many runs each workflow has had since a moment, and what they cost; of very many the newest count."""
    return {workflow: await Runs(ctx).tally(workflow, since, _MOST_COUNTED) for workflow in workflows}


async def node_steps(ctx: Ctx, run_id: RunId, most: int) -> tuple[NodeStep, ...]:
    """The newest steps of a run's nodes in order, without what they gave."""
    return await Steps(ctx).of_nodes(run_id, most)


async def steps_of_node(ctx: Ctx, run_id: RunId, node: str, most: int) -> tuple[Step, ...]:
    """The newest steps of one node, the last one first."""
    return await Steps(ctx).of_node(run_id, node, most)


async def told(ctx: Ctx, run_id: RunId, most: int) -> list[StreamEvent]:
    """The first events of a run."""
    events: list[StreamEvent] = []
    while len(events) < most:
        batch = await ctx.runtime.streams.read(ctx, stream_of(run_id), len(events))
        if not batch:
            break
        events += batch
    return events
