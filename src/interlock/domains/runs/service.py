"""Operations on runs: start, read, list, cancel. The loop itself is in loop.py."""

from typing import Annotated, Any

from pydantic import Field

from interlock.domains.agents import service as agents
from interlock.domains.agents.states import AgentStatus
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.runs.events import RunEnded
from interlock.domains.runs.gates import CANCELLED, withdraw_gates
from interlock.domains.runs.order import AGENT_FLOW, Order
from interlock.domains.runs.progress import stream_of
from interlock.domains.runs.repository import Runs, Steps
from interlock.domains.runs.states import RunKind, RunStatus
from interlock.domains.runs.views import Run, RunDetail
from interlock.kit.errors import conflict
from interlock.kit.ids import AgentId, RunId
from interlock.kit.money import ZERO
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx


class StartAgentRun(Command):
    """Which agent, and what to work on: `task` is the instruction, everything else is handed over as data."""

    agent_id: AgentId
    input_data: Annotated[dict[str, Any], Field(max_length=200, examples=[{"task": "Summarise Q4 revenue."}])]


class RunRef(Command):
    """Which run."""

    run_id: RunId


class ListRuns(PageQuery):
    """Which runs, and which page of them."""

    status: RunStatus | None = None
    agent_id: AgentId | None = None


@operation("runs.start_agent", scope="agents", effect=Effect.WRITE, ai=True)
async def start_agent(ctx: Ctx, command: StartAgentRun) -> Run:
    """Start an agent on a task; it works in the background, and every tool call passes the pipeline."""
    agent = await agents.get(ctx, agents.AgentRef(agent_id=command.agent_id))
    if agent.status is not AgentStatus.ACTIVE:
        raise conflict(
            f"Agent '{agent.name}' is {agent.status.value}.",
            hint="Set its status to active.",
            status=agent.status.value,
        )
    await budgets.require_funds(ctx, run_cap=agent.budget_per_run)
    run = await Runs(ctx).add(
        RunId.new(),
        kind=RunKind.AGENT,
        agent_id=agent.id,
        agent_name=agent.name,
        model=agent.model,
        started_by=ctx.actor.user_id,
        status=RunStatus.RUNNING,
        input=command.input_data,
        output=None,
        error=None,
        total_cost=ZERO,
        total_tokens=0,
        unknown_costs=0,
        started_at=ctx.now,
        completed_at=None,
    )
    await ctx.runtime.streams.append(ctx, stream_of(run.id), "run.started", {"agent": agent.name, "model": agent.model})
    order = Order(run_id=run.id, agent=agent, input=command.input_data, user_id=ctx.actor.user_id)
    await ctx.runtime.durable.start(ctx, AGENT_FLOW, str(run.id), order.model_dump(mode="json"))
    return run


@operation("runs.get", scope="workflows")
async def get(ctx: Ctx, command: RunRef) -> RunDetail:
    """Show one run with every model request and tool call."""
    run = await Runs(ctx).get(command.run_id)
    return RunDetail(**dict(run), steps=await Steps(ctx).of_run(run.id))


@operation("runs.list", scope="workflows")
async def list_(ctx: Ctx, command: ListRuns) -> Page[Run]:
    """List runs, newest first."""
    return await Runs(ctx).page(command, {"status": command.status, "agent_id": command.agent_id})


@operation("runs.cancel", scope="workflows", effect=Effect.WRITE)
async def cancel(ctx: Ctx, command: RunRef) -> Run:
    """Stop a run; what it has done stays done, what waits for a person, or has not begun, is withdrawn."""
    run = await Runs(ctx).move(command.run_id, RunStatus.CANCELLED, completed_at=ctx.now)
    await withdraw_gates(ctx, run.id, CANCELLED)
    await ctx.runtime.streams.append(ctx, stream_of(run.id), "run.cancelled", {"by": ctx.actor.label})
    await ctx.runtime.durable.cancel(ctx, str(run.id))
    await ctx.emit(RunEnded(run_id=run.id, status=run.status))
    return run


@operation("runs.events", scope="workflows")
async def events(ctx: Ctx, command: RunRef) -> str:
    """Name the event stream of a run, for those who may see it."""
    return stream_of((await Runs(ctx).get(command.run_id)).id)
