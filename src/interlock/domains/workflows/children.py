"""Runs that a node starts and waits for."""

from functools import partial

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.runs import service as runs
from interlock.domains.runs.service.progress import StepRecord, child_topic
from interlock.domains.runs.states import RunStatus, StepKind, StepStatus
from interlock.domains.runs.views import Run
from interlock.domains.workflows.manifest import NodeFailed, Outcome, RunStopped, Work
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def announced(work: Work, child: Run, ctx: Ctx) -> Json:
    """Tell those who follow a run which run one of its nodes has started; returns the child's id for the journal."""
    await work.progress.tell(ctx, "node.child_started", {"node_id": work.key, "run_id": str(child.id)})
    return str(child.id)


async def outcome_of_child(work: Work, child: RunId) -> Outcome:
    """Wait for the end of a run this node has started; what it cost is the node's cost."""
    await work.flow.wait(child_topic(child))
    run = Run.model_validate(await work.transact(partial(_settled, work, child), "ended"))
    work.children.cost += run.total_cost
    record = StepRecord(
        kind=StepKind.NODE,
        node_id=work.key,
        name=work.node.name or work.node.kind,
        status=StepStatus.COMPLETED if run.status is RunStatus.COMPLETED else StepStatus.FAILED,
        reason=run.error,
        cost=run.total_cost,
        input_tokens=run.total_tokens,
        child_run_id=run.id,
        detail={"unknown_costs": run.unknown_costs} if run.unknown_costs else {},
    )
    if run.status is RunStatus.COMPLETED:
        return Outcome(run.output, record=record)
    message = f"Run {run.id} is {run.status.value}: {run.error or 'it was stopped'}"
    if run.status is RunStatus.BUDGET_EXCEEDED:
        raise RunStopped(message, budget=True, record=record)
    raise NodeFailed(message, record=record)


async def _settled(work: Work, child: RunId, ctx: Ctx) -> Json:
    run = await runs.summary(ctx, child)
    if run.total_cost:
        await budgets.attribute(ctx, work.run.spender, work.run.workflow_name, run.total_cost)
    return run.model_dump(mode="json")
