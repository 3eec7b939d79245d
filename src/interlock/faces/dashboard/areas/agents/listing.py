"""The list of agents, with what each did last and what it has cost this month."""

from typing import Any

from starlette.responses import Response

from interlock.domains.agents import service as agents
from interlock.domains.runs import service as runs
from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit


async def index(visit: Visit) -> Response:
    """The page."""
    return html(visit, "agents/index.html", **await _listed(visit))


async def listed(visit: Visit) -> Response:
    """The list alone."""
    return html(visit, "agents/_list.html", **await _listed(visit))


async def _listed(visit: Visit) -> dict[str, Any]:
    wanted = {name: visit.query[name] for name in ("status", "limit", "offset") if name in visit.query}
    found = await visit.call(agents.list_, visit.command(agents.ListAgents, wanted))
    figures: dict[Any, Any] = {}
    if found.items and visit.may("workflows"):
        ids = tuple(agent.id for agent in found.items)
        known = await visit.call(runs.of_agents, runs.WhichAgents(agent_ids=ids))
        figures = {row.agent_id: row for row in known.agents}
    status = wanted.get("status", "")
    query = f"status={status}&" if status else ""
    return {
        "page": found,
        "figures": figures,
        "state": status,
        "pages": f"/agents?{query}",
        "here": f"/agents/list?{query}offset={found.offset}",
    }


ROUTES = (page("/agents", index), page("/agents/list", listed))
