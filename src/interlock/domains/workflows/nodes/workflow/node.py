"""Another workflow, in a run of its own."""

from functools import partial

from interlock.domains.runs.states import Trigger
from interlock.domains.workflows.children import announced, outcome_of_child
from interlock.domains.workflows.launching import Launch, launch
from interlock.domains.workflows.manifest import Outcome, Work
from interlock.domains.workflows.nodes.workflow.manifest import Config
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json


async def run(work: Work, config: Config) -> Outcome:
    """Start the other workflow's run and wait for its end."""
    given = work.compute(config.data)
    data = given if isinstance(given, dict) else {"input": given}
    child = RunId.parse(await work.transact(partial(_start, work, config, data), "start"))
    return await outcome_of_child(work, child)


async def _start(work: Work, config: Config, data: dict[str, Json], ctx: Ctx) -> Json:
    wanted = Launch(
        config.workflow_id,
        data,
        Trigger.WORKFLOW,
        trigger_ref=work.key,
        parent_run_id=work.run.run_id,
        depth=work.run.depth + 1,
        is_public=work.run.is_public,
        run_cap=await work.left(ctx),
    )
    return await announced(work, await launch(work.run.within(ctx), wanted), ctx)
