"""Starting a run of a workflow, whoever wants it: a hand, a hook, a form, a schedule, a table, another workflow."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import BY_HAND, OPEN_TO_ALL, RunKind, Trigger
from interlock.domains.runs.views import Run
from interlock.domains.workflows.errors import not_published, too_deep
from interlock.domains.workflows.graph import Plan
from interlock.domains.workflows.order import WORKFLOW_FLOW, WorkflowOrder
from interlock.domains.workflows.plans import plan_of
from interlock.domains.workflows.repository import Workflows
from interlock.domains.workflows.states import Category, WorkflowStatus
from interlock.domains.workflows.views import WorkflowRow
from interlock.kit.errors import forbidden
from interlock.kit.ids import RunId, WorkflowId
from interlock.runtime.context import Ctx

MOST_DEEP = 8


@dataclass(frozen=True, slots=True)
class Launch:
    """A workflow to be started in the caller's unit of work.

    Args:
        trigger_ref: what exactly started it, such as the id of a hook or a schedule.
        depth: how many workflows started one another to get here.
        is_public: a run that somebody unknown has started wants it.
        run_id: of the run to come, chosen beforehand by one who may be told twice to start it.
        run_cap: what the run may cost at most where its starter has less to give than the workflow's own ceiling.
    """

    workflow_id: WorkflowId
    input_data: dict[str, Any]
    trigger: Trigger
    trigger_ref: str | None = None
    parent_run_id: RunId | None = None
    depth: int = 0
    is_public: bool = False
    run_id: RunId | None = None
    run_cap: Decimal | None = None


async def launch(ctx: Ctx, wanted: Launch) -> Run:
    """Start a workflow in the caller's unit of work, whatever the trigger.

    Raises:
        InterlockError: not_found; workflow_not_published for a draft started by anything but a hand;
            budget_exceeded; forbidden when it calls models and the plan has no AI access.
    """
    row = await Workflows(ctx).get(wanted.workflow_id)
    if row.status is WorkflowStatus.DRAFT and wanted.trigger not in BY_HAND:
        raise not_published(row.name)
    if wanted.depth > MOST_DEEP:
        raise too_deep(wanted.depth)
    return await start(ctx, row, await plan_of(ctx, row.id, row.version), wanted, row.version)


async def start(
    ctx: Ctx,
    row: WorkflowRow,
    plan: Plan,
    wanted: Launch,
    version: int,
    *,
    retry_of: RunId | None = None,
    from_node: str | None = None,
) -> Run:
    """Open a run of a version and have it walked, in the caller's unit of work.

    Args:
        retry_of: an earlier run of the version, whose outputs stand for what is not `from_node` or behind it.
    """
    if not ctx.has_ai_access and any(node.manifest.category is Category.AI for node in plan.nodes.values()):
        raise forbidden("This workspace's plan has no AI access.", hint="An owner can turn AI access on.")
    run_cap = min((cap for cap in (row.per_run_cap, wanted.run_cap) if cap is not None), default=None)
    await budgets.require_funds(ctx, run_cap=run_cap)
    if row.daily_cap is not None:
        await budgets.require_day(ctx, runs.spender_of(row.id), row.daily_cap)
    run = await runs.open_run(
        ctx,
        runs.NewRun(
            kind=RunKind.WORKFLOW,
            name=row.name,
            workflow_id=row.id,
            workflow_version=version,
            parent_run_id=wanted.parent_run_id,
            retry_of=retry_of,
            input=wanted.input_data,
            trigger=wanted.trigger,
            trigger_ref=wanted.trigger_ref,
        ),
        wanted.run_id,
    )
    order = WorkflowOrder(
        run_id=run.id,
        workflow_id=row.id,
        workflow_name=row.name,
        version=version,
        input=wanted.input_data,
        user_id=ctx.actor.user_id,
        started_at=run.started_at,
        run_cap=run_cap,
        daily_cap=row.daily_cap,
        depth=wanted.depth,
        is_public=wanted.is_public or wanted.trigger in OPEN_TO_ALL,
        retry_of=retry_of,
        from_node=from_node,
    )
    await ctx.runtime.durable.start(ctx, WORKFLOW_FLOW, str(run.id), order.model_dump(mode="json"))
    return run
