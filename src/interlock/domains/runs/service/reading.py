"""Operations that read runs: lists, one run, its steps page by page, its events as stored, what it has started."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy import ColumnElement

from interlock.domains.agents import service as agents
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import Caller
from interlock.domains.runs.models import runs as table
from interlock.domains.runs.repository import Messages, Runs, Steps, Summaries
from interlock.domains.runs.service.progress import stream_of
from interlock.domains.runs.service.running import RunRef
from interlock.domains.runs.states import RunKind, RunStatus, StepKind, Trigger
from interlock.domains.runs.views import (
    AgentFigures,
    Family,
    FiguresOfAgents,
    Run,
    RunDetail,
    RunSummary,
    Said,
    Step,
    StepDetail,
    StepRow,
)
from interlock.domains.tools import service as tools
from interlock.domains.tools.views import ToolCall, ToolCallId
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.kit.operations import Command, operation
from interlock.kit.paging import MAXIMUM_LIMIT, Page, PageQuery
from interlock.runtime.context import ActorKind, Ctx
from interlock.runtime.events import StreamEvent

_SKEW = timedelta(minutes=5)
"""How far the clocks of servers that share a database may stand apart."""


class ListRuns(PageQuery):
    """Which runs, and which page of them."""

    status: RunStatus | None = None
    agent_id: AgentId | None = None
    workflow_id: WorkflowId | None = None
    kind: RunKind | None = None
    trigger: Trigger | None = None
    parent_run_id: RunId | None = None
    since: Annotated[AwareDatetime | None, Field(description="Begun at this moment or later.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Begun before this moment.")] = None
    name: Annotated[str | None, Field(max_length=200, description="A part of the agent's or workflow's name.")] = None


class ListOfRun(PageQuery):
    """Of which run, and which page."""

    run_id: RunId


class WhichAgents(Command):
    """Which agents; ids of agents that are gone show what is left of them."""

    agent_ids: Annotated[tuple[AgentId, ...], Field(min_length=1, max_length=MAXIMUM_LIMIT)]


class StepRef(Command):
    """Which step of which run."""

    run_id: RunId
    position: Annotated[int, Field(ge=0, le=2**31 - 1)]


@operation("runs.list", scope="workflows")
async def list_(ctx: Ctx, command: ListRuns) -> Page[RunSummary]:
    """List runs, newest first."""
    conditions: list[ColumnElement[bool]] = [table.c.workspace_id == ctx.workspace_id]
    for name in ("status", "agent_id", "workflow_id", "kind", "trigger", "parent_run_id"):
        value = getattr(command, name)
        if value is not None:
            conditions.append(table.c[name] == value)
    if command.name:
        conditions.append(table.c.name.icontains(command.name, autoescape=True))
    conditions += await _within(ctx, command.since, command.until)
    return await Summaries(ctx).page_where(command, conditions)


async def _within(ctx: Ctx, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """Conditions over when a run began; numbers bound the walk, because lists go by numbers."""
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(table.c.started_at >= since)
        lowest = await Summaries(ctx).oldest_since(since - _SKEW)
        if lowest is not None:
            conditions.append(table.c.id >= lowest)
    if until is not None:
        conditions.append(table.c.started_at < until)
        above = await Summaries(ctx).oldest_since(until + _SKEW)
        if above is not None:
            conditions.append(table.c.id < above)
    return conditions


@operation("runs.get", scope="workflows")
async def get(ctx: Ctx, command: RunRef) -> RunDetail:
    """Show one run with every model request and tool call."""
    run = await Runs(ctx).get(command.run_id)
    return RunDetail(**dict(run), steps=await Steps(ctx).of_run(run.id))


@operation("runs.summary", scope="workflows")
async def summarise(ctx: Ctx, command: RunRef) -> Run:
    """Show one run without its steps."""
    return await Runs(ctx).get(command.run_id)


@operation("runs.steps", scope="workflows")
async def steps(ctx: Ctx, command: ListOfRun) -> Page[StepRow]:
    """List a run's steps in order; a long output is left out, with how it begins and how long it is."""
    await Runs(ctx).get(command.run_id)
    return await Steps(ctx).page_of(command.run_id, command)


@operation("runs.step", scope="workflows")
async def step(ctx: Ctx, command: StepRef) -> StepDetail:
    """Show one step in full: the model's words, or the tool call with its masked arguments and its result."""
    run = await Runs(ctx).get(command.run_id)
    found = await Steps(ctx).at(run.id, command.position)
    said = await _said(ctx, run, found) if found.kind is StepKind.MODEL else None
    return StepDetail(**dict(found), said=said, call=await _call(ctx, found))


async def _said(ctx: Ctx, run: Run, found: Step) -> Said | None:
    response = await Messages(ctx).at(run.id, found.position)
    if not response:
        return None
    parts = [part for message in response for part in message.get("parts", ())]
    text = "\n".join(str(part["content"]) for part in parts if part.get("part_kind") == "text").strip()
    agent = Caller(ActorKind.AGENT, run.agent_id, run.name)
    return Said(
        text=await policies.mask_text(ctx, found.name, agent, text),
        tools=tuple(
            str(part["tool_name"]).replace("__", ".") for part in parts if part.get("part_kind") == "tool-call"
        ),
    )


async def _call(ctx: Ctx, found: Step) -> ToolCall | None:
    if found.call_id is None:
        return None
    return await tools.get_call(ctx, tools.CallRef(call_id=ToolCallId.parse(found.call_id)))


@operation("runs.family", scope="workflows")
async def family(ctx: Ctx, command: RunRef) -> Family:
    """Show what a run has started, and what that has started in turn."""
    return await Summaries(ctx).family((await Runs(ctx).get(command.run_id)).id)


@operation("runs.of_agents", scope="workflows")
async def of_agents(ctx: Ctx, command: WhichAgents) -> FiguresOfAgents:
    """Show the newest run of each of these agents, and what each has spent this month."""
    spent = await budgets.month_of_agents(ctx, command.agent_ids)
    found = [
        AgentFigures(
            agent_id=agent_id,
            last_run=await Summaries(ctx).last_of_agent(agent_id),
            month_spent=month.spent,
            month_unknown=month.unknown,
        )
        for agent_id, month in spent.items()
    ]
    for each in found:
        if each.last_run is None and not each.month_spent:
            await agents.get(ctx, agents.AgentRef(agent_id=each.agent_id))  # nothing is left of it, so it must be there
    return FiguresOfAgents(agents=tuple(found))


@operation("runs.history", scope="workflows")
async def history(ctx: Ctx, command: ListOfRun) -> Page[StreamEvent]:
    """List a run's events as they were stored, page by page; `offset` is the number of the last one already seen."""
    run = await Runs(ctx).get(command.run_id)
    found = await ctx.runtime.streams.read(ctx, stream_of(run.id), command.offset, limit=command.limit)
    total = await ctx.runtime.streams.length(ctx, stream_of(run.id))
    return Page(tuple(found), command.limit, command.offset, total)


@operation("runs.events", scope="workflows")
async def events(ctx: Ctx, command: RunRef) -> str:
    """Name the event stream of a run, for those who may see it."""
    return stream_of((await Runs(ctx).get(command.run_id)).id)
