"""How a schedule starts what it is for: as itself, answered for by the person who made it."""

from dataclasses import replace

from interlock.domains.org import service as org
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import Trigger
from interlock.domains.schedules.views import Schedule
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import forbidden
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
    if schedule.workflow_id is not None:
        wanted = workflows.Launch(schedule.workflow_id, schedule.input_data, Trigger.SCHEDULE, str(schedule.id))
        return (await workflows.launch(own, wanted)).id
    if schedule.agent_id is None:
        raise RuntimeError("a schedule has either a workflow or an agent")
    if not facts.has_ai_access:
        raise forbidden("This workspace's plan has no AI access.", hint="An owner can turn AI access on.")
    order = runs.StartAgentRun(agent_id=schedule.agent_id, input_data=schedule.input_data)
    return (await runs.launch_agent(own, order, trigger=Trigger.SCHEDULE, trigger_ref=str(schedule.id))).id


async def is_busy(ctx: Ctx, schedule: Schedule) -> bool:
    """Whether the run that the schedule started last is unfinished."""
    return schedule.last_run_id is not None and await runs.is_unfinished(ctx, schedule.last_run_id)
