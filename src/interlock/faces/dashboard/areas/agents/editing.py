"""Making and changing agents, and which policies stand over the tools that are chosen in the form."""

from typing import Any

from starlette.responses import Response

from interlock.domains.agents import service as agents
from interlock.domains.agents.states import AgentStatus
from interlock.domains.agents.views import Agent
from interlock.domains.runs import service as runs
from interlock.domains.tools import service as tools
from interlock.faces.dashboard.areas.agents.form import choices, filled, given, sent
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError

_RECENT = 5


async def new(visit: Visit) -> Response:
    """An empty form."""
    return await _form(visit, None, filled(None))


async def create(visit: Visit) -> Response:
    """Make the agent."""
    values = await sent(visit)
    try:
        agent = await visit.call(agents.create, visit.command(agents.CreateAgent, given(values)))
    except InterlockError as error:
        return await _form(visit, None, values, problems_of(error))
    return go(visit, f"/agents/{agent.id}", said="Made. Try it in the panel beside the form.")


async def show(visit: Visit) -> Response:
    """The agent in its form."""
    agent = await visit.call(agents.get, visit.command(agents.AgentRef, {}, "agent_id"))
    return await _form(visit, agent, filled(agent))


async def update(visit: Visit) -> Response:
    """Change it."""
    agent = await visit.call(agents.get, visit.command(agents.AgentRef, {}, "agent_id"))
    values = await sent(visit)
    try:
        changed = await visit.call(agents.update, visit.command(agents.UpdateAgent, given(values), "agent_id"))
    except InterlockError as error:
        return await _form(visit, agent, values, problems_of(error))
    said = "Nothing was changed." if changed.version == agent.version else f"Saved as version {changed.version}."
    return go(visit, f"/agents/{agent.id}", said=said)


async def set_status(visit: Visit) -> Response:
    """Pause it or wake it."""
    wanted = {"status": (await visit.form()).get("status", "")}
    agent = await visit.call(agents.update, visit.command(agents.UpdateAgent, wanted, "agent_id"))
    is_active = agent.status is AgentStatus.ACTIVE
    said = "It takes work again." if is_active else "Paused: it takes no new work. Runs under way go on."
    return go(visit, f"/agents/{agent.id}", said=said)


async def delete(visit: Visit) -> Response:
    """Remove it."""
    await visit.call(agents.delete, visit.command(agents.AgentRef, {}, "agent_id"))
    return go(visit, "/agents", said="Deleted. Its runs and their evidence stay.")


async def standing(visit: Visit) -> Response:
    """The policies over the tools that are chosen at the moment."""
    form = await visit.form()
    values = {**await sent(visit), "agent_id": form.get("agent_id") or None}
    return html(visit, "agents/_standing.html", standing=await _standing(visit, values))


async def _form(
    visit: Visit, agent: Agent | None, values: dict[str, Any], problems: Problems | None = None
) -> Response:
    recent: tuple[Any, ...] = ()
    if agent is not None and visit.may("workflows"):
        recent = (await visit.call(runs.list_, runs.ListRuns(agent_id=agent.id, limit=_RECENT))).items
    asked = {**values, "agent_id": None if agent is None else agent.id}
    return html(
        visit,
        "agents/form.html",
        status=422 if problems else 200,
        agent=agent,
        values=values,
        problems=problems,
        choices=await choices(visit, values),
        standing=await _standing(visit, asked) if not problems else None,
        recent=recent,
    )


async def _standing(visit: Visit, values: dict[str, Any]) -> Any:
    asked = {"tools": values["tools"], "model": values["model"], "agent_name": values["name"]}
    if values["agent_id"]:
        asked["agent_id"] = values["agent_id"]
    return await visit.call(tools.policies_over, visit.command(tools.WhichPolicies, asked))


ROUTES = (
    page("/agents/new", new),
    action("/agents/new", create),
    action("/agents/policies", standing),
    page("/agents/{agent_id}", show),
    action("/agents/{agent_id}", update),
    action("/agents/{agent_id}/status", set_status),
    action("/agents/{agent_id}/delete", delete),
)
