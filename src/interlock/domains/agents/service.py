"""Operations on agents: define, read, change, restore, pause, delete. Running one belongs to the runs domain."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.agents import repository
from interlock.domains.agents.events import AgentDefined, AgentRemoved
from interlock.domains.agents.repository import DEFINITION, Agents
from interlock.domains.agents.states import LIFECYCLE, AgentStatus
from interlock.domains.agents.views import Agent, AgentVersion
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


class VersionRef(Command):
    """Which version of which agent."""

    agent_id: AgentId
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class ListVersions(PageQuery):
    """Whose versions, and which page of them."""

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
        version=1,
        status=AgentStatus.ACTIVE,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    await repository.keep_version(ctx, agent, ())
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
    return await _change(ctx, command.agent_id, values)


async def _change(ctx: Ctx, agent_id: AgentId, values: Mapping[str, Any], *, restored_from: int | None = None) -> Agent:
    """Change an agent; a definition other than before is a new version."""
    await (await ctx.session()).lock(f"agent:{agent_id}")  # versions are numbered one after the other
    agents = Agents(ctx)
    before = await agents.get(agent_id)
    status = values.get("status", before.status)
    if status is not before.status:
        LIFECYCLE.check(before.status, status)
    changed = tuple(name for name in DEFINITION if name in values and values[name] != getattr(before, name))
    stored = {**values, "updated_at": ctx.now}
    if "tools" in stored:
        stored["tools"] = list(stored["tools"])
    if changed:
        stored["version"] = before.version + 1
    agent = await agents.change(agent_id, stored)
    if changed:
        await repository.keep_version(ctx, agent, changed, restored_from)
    await registry.note(ctx, _system(agent))
    await ctx.emit(AgentDefined(agent_id=agent.id))
    return agent


@operation("agents.versions", scope="agents")
async def versions(ctx: Ctx, command: ListVersions) -> Page[AgentVersion]:
    """List the definitions an agent has had, newest first, with who changed what."""
    await Agents(ctx).get(command.agent_id)
    return await repository.versions(ctx, command.agent_id, command)


@operation("agents.get_version", scope="agents")
async def get_version(ctx: Ctx, command: VersionRef) -> AgentVersion:
    """Show one definition that an agent has had."""
    await Agents(ctx).get(command.agent_id)
    return await repository.version(ctx, command.agent_id, command.version)


@operation("agents.restore", scope="agents", effect=Effect.WRITE)
async def restore(ctx: Ctx, command: VersionRef) -> Agent:
    """Make an earlier definition the agent's own again, as a new version; whether it takes work stays as it is."""
    await Agents(ctx).get(command.agent_id)
    earlier = await repository.version(ctx, command.agent_id, command.version)
    values = {name: getattr(earlier, name) for name in DEFINITION}
    return await _change(ctx, command.agent_id, values, restored_from=earlier.version)


async def at_version(ctx: Ctx, agent_id: AgentId, number: int | None) -> Agent:
    """An agent by an earlier definition, or by its present one; in the caller's unit of work."""
    agent = await Agents(ctx).get(agent_id)
    if number is None or number == agent.version:
        return agent
    earlier = await repository.version(ctx, agent_id, number)
    return agent.model_copy(update={**{name: getattr(earlier, name) for name in DEFINITION}, "version": number})


@operation("agents.delete", scope="agents", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: AgentRef) -> AgentId:
    """Remove an agent's definition; its runs and evidence stay."""
    await Agents(ctx).remove(command.agent_id)
    await repository.drop_versions(ctx, command.agent_id)
    await registry.note_removed(ctx, SystemKind.AGENT, str(command.agent_id))
    await ctx.emit(AgentRemoved(agent_id=command.agent_id))
    return command.agent_id
