"""The list of runs, with its filters in the address."""

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from interlock.domains.agents import service as agents
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import RunKind, RunStatus, Trigger
from interlock.domains.workflows import service as workflows
from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import invalid
from interlock.kit.paging import MAXIMUM_LIMIT

FILTERS = ("status", "kind", "trigger", "agent_id", "workflow_id", "parent_run_id", "name", "since", "until")
_PLACES = ("limit", "offset")


async def index(visit: Visit) -> Response:
    """The page."""
    wanted = {name: visit.query.get(name, "") for name in FILTERS}
    return html(
        visit,
        "runs/index.html",
        wanted=wanted,
        statuses=tuple(RunStatus),
        kinds=tuple(RunKind),
        triggers=tuple(Trigger),
        agents=await _agents(visit),
        workflows=(await visit.call(workflows.list_, workflows.ListWorkflows(limit=MAXIMUM_LIMIT))).items,
        **await _listed(visit),
    )


async def listed(visit: Visit) -> Response:
    """The list alone."""
    return html(visit, "runs/_list.html", **await _listed(visit))


async def _listed(visit: Visit) -> dict[str, Any]:
    """What the list shows: a page of runs, and the addresses of this page and of its neighbours."""
    values = {name: visit.query[name] for name in (*FILTERS, *_PLACES) if name in visit.query}
    command = visit.command(runs.ListRuns, {**values, **_period(visit, values)})
    filters = urlencode({name: values[name] for name in FILTERS if name in values})
    return {
        "page": await visit.call(runs.list_, command),
        "now": visit.ctx.now,
        "is_filtered": bool(filters),
        "pages": f"/runs?{filters}&" if filters else "/runs?",
        "here": f"/runs/list?{urlencode(values)}",
    }


def _period(visit: Visit, values: dict[str, str]) -> dict[str, datetime]:
    """The days of the filter as moments: a day begins and ends by the viewer's clock, and the last one counts."""
    found: dict[str, datetime] = {}
    for name, after in (("since", 0), ("until", 1)):
        if name in values:
            try:
                day = date.fromisoformat(values[name]) + timedelta(days=after)
            except (ValueError, OverflowError) as error:
                raise invalid(f"'{name}' must be a day such as 2026-01-31.", field=name) from error
            found[name] = datetime.combine(day, time.min, visit.zone)
    return found


async def _agents(visit: Visit) -> tuple[Any, ...]:
    if not visit.may("agents"):
        return ()
    return (await visit.call(agents.list_, agents.ListAgents(limit=MAXIMUM_LIMIT))).items


ROUTES = (page("/runs", index), page("/runs/list", listed))
