"""Operations on agents: define, read, change, pause, delete. Running one belongs to the runs domain."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from interlock.domains.agents.events import AgentDefined, AgentRemoved
from interlock.domains.agents.repository import Agents
from interlock.domains.agents.states import LIFECYCLE, AgentStatus
from interlock.domains.agents.views import Agent
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.kit.errors import invalid
from interlock.kit.ids import AgentId
from interlock.kit.money import Usd
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import MAXIMUM_LIMIT, Page, PageQuery
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx, UserId

DEFAULT_ITERATIONS = 10

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="What people call it.")]
ModelName = Annotated[str, Field(min_length=1, max_length=200, description="Model id, prefix, alias or route.")]
Prompt = Annotated[str, Field(max_length=200_000, description="Instructions; authority lies in tools and policies.")]
ToolName = Annotated[str, Field(min_length=1, max_length=128)]
Iterations = Annotated[int, Field(ge=1, le=1_000, description="Most model requests per run.")]


class CreateAgent(Command):
    """What an agent is made of."""

    name: Name
    model: ModelName
    system_prompt: Prompt | None = None
    tools: Annotated[tuple[ToolName, ...], Field(max_length=200)] = ()
    max_iterations: Iterations | None = None
    budget_per_run: Usd | None = None


class UpdateAgent(Command):
    """The fields to change; absent ones stay."""

    agent_id: AgentId
    name: Name | None = None
    model: ModelName | None = None
    system_prompt: Prompt | None = None
    tools: Annotated[tuple[ToolName, ...], Field(max_length=200)] | None = None
    max_iterations: Iterations | None = None
    budget_per_run: Usd | None = None
    status: AgentStatus | None = None


class AgentRef(Command):
    """Which agent."""

    agent_id: AgentId


class ListAgents(PageQuery):
    """Which agents, and which page of them."""

    status: AgentStatus | None = None


@operation("agents.create", scope="agents", effect=Effect.WRITE, ai=True)
async def create(ctx: Ctx, command: CreateAgent) -> Agent:
    """Define an autonomous agent; it takes work at once."""
    agent = await Agents(ctx).add(
        AgentId.new(),
        name=command.name,
        model=command.model,
        system_prompt=command.system_prompt,
        tools=list(command.tools),
        max_iterations=command.max_iterations or DEFAULT_ITERATIONS,
        budget_per_run=command.budget_per_run,
        status=AgentStatus.ACTIVE,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    await registry.note(ctx, _system(agent, ctx.actor.user_id))
    await ctx.emit(AgentDefined(agent_id=agent.id))
    return agent


def _system(agent: Agent, owner_id: UserId | None = None) -> registry.NoteSystem:
    """An agent as the AI registry lists it."""
    return registry.NoteSystem(SystemKind.AGENT, str(agent.id), agent.name, owner_id, agent.tools)


async def systems(ctx: Ctx) -> Sequence[registry.NoteSystem]:
    """Every agent, for the AI registry."""
    found: list[registry.NoteSystem] = []
    while True:
        async with ctx.begin(write=False) as reading:
            page = await Agents(reading).page(ListAgents(limit=MAXIMUM_LIMIT, offset=len(found)))
        found += [_system(agent) for agent in page.items]
        if len(page.items) < MAXIMUM_LIMIT:
            return found


@operation("agents.get", scope="agents")
async def get(ctx: Ctx, command: AgentRef) -> Agent:
    """Show one agent with its prompt, tools and limits."""
    return await Agents(ctx).get(command.agent_id)


@operation("agents.list", scope="agents")
async def list_(ctx: Ctx, command: ListAgents) -> Page[Agent]:
    """List the workspace's agents, newest first."""
    return await Agents(ctx).page(command, {"status": command.status})


@operation("agents.update", scope="agents", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateAgent) -> Agent:
    """Change an agent's definition, or pause and wake it."""
    values = changes(command, "agent_id")
    for required in ("name", "model", "tools", "max_iterations", "status"):
        if required in values and values[required] is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    agents = Agents(ctx)
    current = await agents.get(command.agent_id)
    if command.status is not None and command.status is not current.status:
        LIFECYCLE.check(current.status, command.status)
    if "tools" in values:
        values["tools"] = list(values["tools"])
    agent = await agents.change(command.agent_id, {**values, "updated_at": ctx.now})
    await registry.note(ctx, _system(agent))
    await ctx.emit(AgentDefined(agent_id=agent.id))
    return agent


@operation("agents.delete", scope="agents", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: AgentRef) -> AgentId:
    """Remove an agent's definition; its runs and evidence stay."""
    await Agents(ctx).remove(command.agent_id)
    await registry.note_removed(ctx, SystemKind.AGENT, str(command.agent_id))
    await ctx.emit(AgentRemoved(agent_id=command.agent_id))
    return command.agent_id
