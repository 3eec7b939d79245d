"""An agent does a task, in a run of its own."""

from functools import partial

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
        run_cap=await work.left(ctx),
    )
    return await announced(work, run, ctx)
