"""How a schedule starts what it is for: as itself, answered for by the person who made it."""

from dataclasses import replace

from interlock.domains.org import service as org
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import Trigger
from interlock.domains.schedules.views import Schedule
from interlock.kit.errors import InterlockError, Kind, forbidden
from interlock.kit.ids import RunId
from interlock.runtime.context import Actor, ActorKind, Ctx


async def launch(ctx: Ctx, schedule: Schedule) -> RunId:
    """Start the schedule's run in the caller's unit of work.

    Raises:
        InterlockError: the target is gone, not ready or out of funds; the caller undoes its unit of work then.
    """
    facts = await org.facts(ctx, ctx.workspace_id)
    actor = Actor(ActorKind.SYSTEM, schedule.id, f"schedule '{schedule.name}'", schedule.created_by)
    own = replace(ctx, actor=actor, workspace_version=facts.rules_version, has_ai_access=facts.has_ai_access)
    if schedule.agent_id is not None:
        if not facts.has_ai_access:
            raise forbidden("This workspace's plan has no AI access.", hint="An owner can turn AI access on.")
        order = runs.StartAgentRun(agent_id=schedule.agent_id, input_data=schedule.input_data)
        run = await runs.launch_agent(own, order, trigger=Trigger.SCHEDULE, trigger_ref=str(schedule.id))
        return run.id
    raise InterlockError(Kind.INTERNAL, "This schedule has no target.", code="schedule_without_target")


async def is_busy(ctx: Ctx, schedule: Schedule) -> bool:
    """Whether the run that the schedule started last is unfinished."""
    return schedule.last_run_id is not None and await runs.is_unfinished(ctx, schedule.last_run_id)
