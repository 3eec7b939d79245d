"""Work of the workflows domain in the background: the history of a deleted workflow goes in pieces."""

from pydantic import BaseModel

from interlock.domains.runs import service as runs
from interlock.kit.ids import WorkflowId
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import Jobs

FORGET_RUNS = "workflows.forget_runs"
FORGET_AT_ONCE = 200


class ForgetRuns(BaseModel):
    """Whose runs go."""

    workflow_id: WorkflowId


async def forget_runs(ctx: Ctx, job: ForgetRuns) -> None:
    """Delete what is left of a deleted workflow's runs; in between, others may write."""
    removed = FORGET_AT_ONCE
    while removed == FORGET_AT_ONCE:
        async with ctx.begin() as unit:
            removed = await runs.forget_workflow(unit, job.workflow_id, FORGET_AT_ONCE)


def register(jobs: Jobs) -> None:
    """Name the handlers."""
    jobs.register(FORGET_RUNS, ForgetRuns, forget_runs)
