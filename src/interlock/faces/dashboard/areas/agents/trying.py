"""Trying an agent beside its form: a task, and its run as it goes."""

from starlette.responses import Response

from interlock.domains.runs import service as runs
from interlock.faces.dashboard.areas.runs.showing import story_of
from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError, invalid
from interlock.kit.json_text import parse_json

_DEEPEST = 50


async def start(visit: Visit) -> Response:
    """Give it a task."""
    form = await visit.form()
    task, data = form.get("task", "").strip(), form.get("data", "").strip()
    wanted = {"input_data": {**_object(data), **({"task": task} if task else {})}}
    run = await visit.call(runs.start_agent, visit.command(runs.StartAgentRun, wanted, "agent_id"))
    return html(visit, "agents/_tried.html", agent_id=visit.path("agent_id"), **await story_of(visit, run.id))


async def watch(visit: Visit) -> Response:
    """The run that is being tried."""
    run_id = visit.command(runs.RunRef, {}, "run_id").run_id
    return html(visit, "agents/_tried.html", agent_id=visit.path("agent_id"), **await story_of(visit, run_id))


def _object(text: str) -> dict[str, object]:
    """The JSON object that goes along with a task."""
    if not text:
        return {}
    try:
        value = parse_json(text.encode(), max_depth=_DEEPEST)
    except InterlockError as error:
        raise invalid(error.message, field="data") from error
    if not isinstance(value, dict):
        raise invalid('The data must be a JSON object, such as {"order": 12}.', field="data")
    return value


ROUTES = (action("/agents/{agent_id}/try", start), page("/agents/{agent_id}/try/{run_id}", watch))
