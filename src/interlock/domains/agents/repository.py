"""Rows of the agents domain."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select

from interlock.domains.agents.models import agent_versions, agents
from interlock.domains.agents.views import Agent, AgentVersion
from interlock.kit.errors import not_found
from interlock.kit.ids import AgentId
from interlock.kit.paging import ListSpec, Page, PageQuery
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository

DEFINITION = ("name", "model", "system_prompt", "tools", "max_iterations", "budget_per_run")
"""What a version keeps. Whether the agent takes work at the moment is no part of what it is."""

_versions = agent_versions.c
_MINE = (_versions.agent_id == bindparam("agent"), _versions.workspace_id == bindparam("workspace"))
_ONE = select(agent_versions).where(*_MINE, _versions.version == bindparam("version"))
_NEWEST = (
    select(agent_versions)
    .where(*_MINE)
    .order_by(_versions.version.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_KEEP = insert(agent_versions)
_DROP = delete(agent_versions).where(*_MINE)


class Agents(Repository[Agent]):
    """Agents of a workspace, newest first."""

    table = agents
    view = Agent
    thing = "agent"
    listing = ListSpec(filters=frozenset({"status", "name"}))


async def keep_version(ctx: Ctx, agent: Agent, changed: Sequence[str], restored_from: int | None = None) -> None:
    """Write an agent's definition as it now stands; it never changes afterwards."""
    row = {name: getattr(agent, name) for name in DEFINITION}
    about = {
        "workspace_id": ctx.workspace_id,
        "agent_id": agent.id,
        "version": agent.version,
        "tools": list(agent.tools),
        "changed": list(changed),
        "restored_from": restored_from,
        "changed_by": ctx.actor.label[:200],
        "created_by": ctx.actor.user_id,
        "created_at": ctx.now,
    }
    await (await ctx.session()).execute(_KEEP, {**row, **about})


async def version(ctx: Ctx, agent_id: AgentId, number: int) -> AgentVersion:
    """Read a version.

    Raises:
        InterlockError: not_found.
    """
    values = {"agent": agent_id, "workspace": ctx.workspace_id, "version": number}
    row = (await (await ctx.session()).execute(_ONE, values)).first()
    if row is None:
        raise not_found("version of the agent", number)
    return _view(row)


async def versions(ctx: Ctx, agent_id: AgentId, query: PageQuery) -> Page[AgentVersion]:
    """A page of an agent's versions, newest first."""
    values = {"agent": agent_id, "workspace": ctx.workspace_id, "most": query.limit, "skip": query.offset}
    rows = await (await ctx.session()).execute(_NEWEST, values)
    return Page(tuple(_view(row) for row in rows), query.limit, query.offset)


async def drop_versions(ctx: Ctx, agent_id: AgentId) -> None:
    """Delete every version of an agent."""
    await (await ctx.session()).execute(_DROP, {"agent": agent_id, "workspace": ctx.workspace_id})


def _view(row: Row[Any]) -> AgentVersion:
    values = dict(row._mapping)
    return AgentVersion.model_validate({**values, "number": values.pop("id")})
