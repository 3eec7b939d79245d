"""An agent does a task, in a run of its own."""

from decimal import Decimal
from functools import partial

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import Trigger
from interlock.domains.workflows.children import announced, outcome_of_child
from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.agent.manifest import Config
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Start the agent's run and wait for its end."""
    given = {"task": work.text(config.task), "data": work.compute(config.data)}
    child = RunId.parse(await work.transact(partial(_start, work, config, given), "start"))
    return await outcome_of_child(work, child)


async def _start(work: Work, config: Config, given: dict[str, Json], ctx: Ctx) -> Json:
    command = runs.StartAgentRun(agent_id=config.agent_id, input_data=given)
    run = await runs.launch_agent(
        work.run.within(ctx),
        command,
        trigger=Trigger.WORKFLOW,
        trigger_ref=work.key,
        is_public=work.run.is_public,
        parent_run_id=work.run.run_id,
        run_cap=await _left(work, ctx),
    )
    return await announced(work, run, ctx)


async def _left(work: Work, ctx: Ctx) -> Decimal | None:
    """What the workflow's own ceiling leaves for the agent."""
    if work.run.run_cap is None:
        return None
    return max(work.run.run_cap - await budgets.spent_by_run(ctx, work.run.run_id), Decimal(0))
