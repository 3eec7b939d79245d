"""A run of an agent once more, from one of its steps on: what was said before is taken over, the rest is done anew."""

from typing import Annotated

from pydantic import Field

from interlock.domains.runs.repository import Messages, Runs, Steps
from interlock.domains.runs.service.progress import stream_of
from interlock.domains.runs.service.running import Again, StartAgentRun, launch_agent
from interlock.domains.runs.states import LIFECYCLE, OPEN_TO_ALL, RunStatus
from interlock.domains.runs.views import Run
from interlock.kit.errors import conflict, invalid
from interlock.kit.ids import RunId
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx

_LONGEST_LINE = 64
"""How many runs stand behind one another at most, where one has started or repeats the next."""


class RunAgain(Command):
    """An ended run of an agent, the step to go on from, and which version of the agent shall do it."""

    run_id: RunId
    from_step: Annotated[
        int | None,
        Field(
            ge=0,
            le=2**31 - 1,
            description="Its position; by default a completed run is done anew, another goes on where it stopped.",
        ),
    ] = None
    agent_version: Annotated[
        int | None, Field(ge=1, le=2**31 - 1, description="By default the agent as it is now.")
    ] = None


@operation("runs.run_again", scope="agents", effect=Effect.WRITE, ai=True)
async def run_again(ctx: Ctx, command: RunAgain) -> Run:
    """Repeat an ended run of an agent from a step on; what was said before is taken over, not done again."""
    earlier = await Runs(ctx).get(command.run_id)
    if earlier.agent_id is None:
        hint = "Repeat a workflow's run from one of its nodes." if earlier.workflow_id else None
        raise conflict("Only a run of an agent can be repeated from a step.", hint=hint)
    if not LIFECYCLE.is_final(earlier.status):
        raise conflict(f"The run is {earlier.status.value}.", hint="Cancel it first, or wait for its end.")
    first = await _first_own(ctx, earlier, command.from_step)
    run = await launch_agent(
        ctx,
        StartAgentRun(agent_id=earlier.agent_id, input_data=earlier.input),
        trigger_ref=str(earlier.id),
        is_public=await _is_public(ctx, earlier),
        again=Again(earlier.id, first, command.agent_version),
    )
    await _take_over(ctx, earlier, run, first)
    return run


async def _first_own(ctx: Ctx, earlier: Run, wanted: int | None) -> int:
    """The position from which the new run works by itself."""
    kept = await Messages(ctx).complete_until(earlier.id)
    is_answered = earlier.status is RunStatus.COMPLETED
    last = max(kept - 1, 0) if is_answered else kept  # after its answer nothing is left to go on with
    if wanted is None:
        return 0 if is_answered else last
    if wanted > last:
        raise invalid(
            f"The run cannot go on from step {wanted}: what was said in it is known up to step {last}.",
            field="from_step",
            hint=f"Give a position from 0 to {last}.",
        )
    return wanted


async def _take_over(ctx: Ctx, earlier: Run, run: Run, first: int) -> None:
    """Copy steps and messages, so that the new run is whole and can itself be repeated."""
    steps = [step for step in await Steps(ctx).of_run(earlier.id) if step.position < first]
    await Steps(ctx).take_over(steps, run.id)
    await Messages(ctx).keep(run.id, await Messages(ctx).before(earlier.id, first))
    facts = {"run_id": str(earlier.id), "steps": first}
    await ctx.runtime.streams.append(ctx, stream_of(run.id), "run.taken_over", facts)


async def _is_public(ctx: Ctx, run: Run) -> bool:
    """Whether somebody unknown is behind a run, however many others stand in between."""
    for _ in range(_LONGEST_LINE):
        if run.trigger in OPEN_TO_ALL:
            return True
        before = run.parent_run_id or run.retry_of
        found = None if before is None else await Runs(ctx).find(before)
        if found is None:
            return False
        run = found
    return True
