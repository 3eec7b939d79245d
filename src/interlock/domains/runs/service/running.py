"""Operations on runs: start, cancel, pause, resume. The loop itself is in loop.py."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement

from interlock.domains.agents import service as agents
from interlock.domains.agents.states import AgentStatus
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.runs.models import runs as table
from interlock.domains.runs.order import AGENT_FLOW, Order, Talk, Worker
from interlock.domains.runs.repository import Runs, Steps
from interlock.domains.runs.service.gates import CANCELLED, withdraw_gates
from interlock.domains.runs.service.progress import RESUME, stream_of, tell_of_end
from interlock.domains.runs.states import LIFECYCLE, RunKind, RunStatus, StepStatus, Trigger
from interlock.domains.runs.views import Run, Step
from interlock.kit.errors import conflict
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.kit.money import ZERO
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx


class StartAgentRun(Command):
    """Which agent, and what to work on: `task` is the instruction, everything else is handed over as data."""

    agent_id: AgentId
    input_data: Annotated[dict[str, Any], Field(max_length=200, examples=[{"task": "Summarise Q4 revenue."}])]


class RunRef(Command):
    """Which run."""

    run_id: RunId


@operation("runs.start_agent", scope="agents", effect=Effect.WRITE, ai=True)
async def start_agent(ctx: Ctx, command: StartAgentRun) -> Run:
    """Start an agent on a task; it works in the background, and every tool call passes the pipeline."""
    return await launch_agent(ctx, command)


@dataclass(frozen=True, slots=True)
class Again:
    """The run to repeat, its first step to be made anew, and the version of the agent; None for the present one."""

    run_id: RunId
    from_step: int
    agent_version: int | None


async def launch_agent(
    ctx: Ctx,
    command: StartAgentRun,
    *,
    trigger: Trigger = Trigger.MANUAL,
    trigger_ref: str | None = None,
    parent_run_id: RunId | None = None,
    run_cap: Decimal | None = None,
    is_public: bool = False,
    talk: Talk | None = None,
    again: Again | None = None,
) -> Run:
    """Start an agent in the caller's unit of work, for whatever reason.

    Args:
        talk: the conversation in which it answers.
        is_public: somebody unknown is behind it, who shall not learn what is remembered of people.
        again: the run repeats another.
        run_cap: what the run may cost at most where its starter has less to give than the agent's own ceiling.
    """
    agent = await agents.at_version(ctx, command.agent_id, None if again is None else again.agent_version)
    if run_cap is not None and (agent.budget_per_run is None or run_cap < agent.budget_per_run):
        agent = agent.model_copy(update={"budget_per_run": run_cap})
    if agent.status is not AgentStatus.ACTIVE:
        raise conflict(
            f"Agent '{agent.name}' is {agent.status.value}.",
            hint="Set its status to active.",
            status=agent.status.value,
        )
    await budgets.require_funds(ctx, run_cap=agent.budget_per_run)
    run = await open_run(
        ctx,
        NewRun(
            kind=RunKind.AGENT,
            name=agent.name,
            agent_id=agent.id,
            agent_version=agent.version,
            model=agent.model,
            input=command.input_data,
            trigger=trigger,
            trigger_ref=trigger_ref,
            parent_run_id=parent_run_id,
            retry_of=None if again is None else again.run_id,
        ),
    )
    from_step = None if again is None else again.from_step
    await _start(ctx, run, Worker.model_validate(agent), talk, is_public=is_public, again_from=from_step)
    return run


class AskModel(Command):
    """A model by itself, and what it is to answer."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    input_data: dict[str, Any]


async def launch_model(ctx: Ctx, command: AskModel, *, trigger: Trigger, trigger_ref: str | None, talk: Talk) -> Run:
    """Have a model answer in a conversation, in the caller's unit of work: a run without an agent, and without tools.

    Raises:
        InterlockError: BUDGET_EXCEEDED when the workspace's money is used up.
    """
    await budgets.require_funds(ctx)
    new = NewRun(
        kind=RunKind.AGENT,
        name=command.model,
        model=command.model,
        input=command.input_data,
        trigger=trigger,
        trigger_ref=trigger_ref,
    )
    run = await open_run(ctx, new)
    await _start(ctx, run, Worker(name=command.model, model=command.model), talk)
    return run


async def _start(
    ctx: Ctx,
    run: Run,
    worker: Worker,
    talk: Talk | None,
    *,
    is_public: bool = False,
    again_from: int | None = None,
) -> None:
    order = Order(
        run_id=run.id,
        agent=worker,
        input=run.input,
        user_id=ctx.actor.user_id,
        is_public=is_public,
        talk=talk,
        again_from=again_from,
    )
    await ctx.runtime.durable.start(ctx, AGENT_FLOW, str(run.id), order.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is known of an execution at its start."""

    kind: RunKind
    name: str
    input: dict[str, Any]
    agent_id: AgentId | None = None
    agent_version: int | None = None
    workflow_id: WorkflowId | None = None
    workflow_version: int | None = None
    parent_run_id: RunId | None = None
    retry_of: RunId | None = None
    model: str | None = None
    trigger: Trigger = Trigger.MANUAL
    trigger_ref: str | None = None


async def exists(ctx: Ctx, run_id: RunId) -> bool:
    """Whether there is such a run, at whatever stage."""
    return await Runs(ctx).find(run_id) is not None


async def open_run(ctx: Ctx, new: NewRun, run_id: RunId | None = None) -> Run:
    """Write the row and the first event of a run, in the unit of work that starts its flow under the run's id.

    Args:
        run_id: chosen beforehand by one who may be told twice to start it; a conflict where it is taken.
    """
    run = await Runs(ctx).add(
        run_id or RunId.new(),
        **{name: getattr(new, name) for name in NewRun.__slots__},
        started_by=ctx.actor.user_id,
        status=RunStatus.RUNNING,
        output=None,
        error=None,
        total_cost=ZERO,
        total_tokens=0,
        unknown_costs=0,
        started_at=ctx.now,
        completed_at=None,
    )
    facts = {"kind": run.kind.value, "name": run.name, "trigger": run.trigger.value}
    if run.model is not None:
        facts["model"] = run.model
    await ctx.runtime.streams.append(ctx, stream_of(run.id), "run.started", facts)
    return run


async def summary(ctx: Ctx, run_id: RunId) -> Run:
    """A run without its steps, in the caller's unit of work."""
    return await Runs(ctx).get(run_id)


@operation("runs.cancel", scope="workflows", effect=Effect.WRITE)
async def cancel(ctx: Ctx, command: RunRef) -> Run:
    """Stop a run; what it has done stays done, what waits for a person, or has not begun, is withdrawn."""
    run = await _cancel(ctx, command.run_id)
    await cancel_children(ctx, run.id)
    return run


async def cancel_children(ctx: Ctx, run_id: RunId) -> None:
    """Stop what a run has started and what that has started, in the caller's unit of work."""
    waiting = await Runs(ctx).children(run_id)
    while waiting:
        child = await _cancel(ctx, waiting.pop())
        waiting += await Runs(ctx).children(child.id)


async def _cancel(ctx: Ctx, run_id: RunId) -> Run:
    run = await Runs(ctx).move(run_id, RunStatus.CANCELLED, completed_at=ctx.now)
    await withdraw_gates(ctx, run.id, CANCELLED)
    await ctx.runtime.streams.append(ctx, stream_of(run.id), "run.cancelled", {"by": ctx.actor.label})
    await ctx.runtime.durable.cancel(ctx, str(run.id))
    await tell_of_end(ctx, run.id, run.status, run.parent_run_id, run.trigger)
    return run


@operation("runs.pause", scope="workflows", effect=Effect.WRITE)
async def pause(ctx: Ctx, command: RunRef) -> Run:
    """Hold a run before its next step; the one under way is finished."""
    run = await Runs(ctx).move(command.run_id, RunStatus.PAUSED)
    await ctx.runtime.streams.append(ctx, stream_of(run.id), "run.paused", {"by": ctx.actor.label})
    return run


@operation("runs.resume", scope="workflows", effect=Effect.WRITE)
async def resume(ctx: Ctx, command: RunRef) -> Run:
    """Let a paused run go on."""
    paused: ColumnElement[bool] = table.c.status == RunStatus.PAUSED
    run = await Runs(ctx).change(command.run_id, {"status": RunStatus.RUNNING}, where=[paused])
    await ctx.runtime.streams.append(ctx, stream_of(run.id), "run.resumed", {"by": ctx.actor.label})
    await ctx.runtime.durable.signal(ctx, str(run.id), RESUME, {})
    return run


async def is_unfinished(ctx: Ctx, run_id: RunId) -> bool:
    """Whether a run has not ended; one that is not there any more has."""
    run = await Runs(ctx).find(run_id)
    return run is not None and not LIFECYCLE.is_final(run.status)


def spender_of(workflow_id: WorkflowId) -> AgentId:
    """A workflow where budgets and policies count an agent's spending."""
    return AgentId.of(workflow_id)


async def has_in_flight(ctx: Ctx, workflow_id: WorkflowId) -> bool:
    """Whether a run of a workflow has not ended."""
    return await Runs(ctx).has_in_flight(workflow_id)


async def node_outputs(ctx: Ctx, run_id: RunId) -> dict[str, Step]:
    """The finished nodes of a run by their ids, without those inside loops."""
    steps = await Steps(ctx).of_run(run_id)
    return {
        step.node_id: step
        for step in steps
        if step.node_id and "/" not in step.node_id and step.status is StepStatus.COMPLETED
    }


async def forget_workflow(ctx: Ctx, workflow_id: WorkflowId, most: int) -> int:
    """Remove so many runs of a deleted workflow with their steps and events; money and evidence stay.

    Returns:
        How many were removed; as many as asked for means that there may be more.
    """
    return await Runs(ctx).forget_workflow(workflow_id, most)
