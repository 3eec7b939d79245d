"""A run's events as they were stored: a page to read, a file to keep, and its result in full."""

from collections.abc import AsyncIterator

import orjson
from starlette.responses import Response

from interlock.domains.runs import service as runs
from interlock.domains.runs.views import Run
from interlock.faces.dashboard.render import attachment, html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.paging import DEFAULT_LIMIT, MAXIMUM_LIMIT


async def events(visit: Visit) -> Response:
    """The page."""
    run = await visit.call(runs.summarise, visit.command(runs.RunRef, {}, "run_id"))
    places = {"limit": DEFAULT_LIMIT, "offset": visit.query.get("offset", "0"), "run_id": run.id}
    found = await visit.call(runs.history, visit.command(runs.ListOfRun, places))
    return html(visit, "runs/events.html", run=run, page=found)


async def download(visit: Visit) -> Response:
    """Every event, one JSON object to a line."""
    run = await visit.call(runs.summarise, visit.command(runs.RunRef, {}, "run_id"))
    return attachment(f"{run.id}.ndjson", _lines(visit, run), "application/x-ndjson")


async def _lines(visit: Visit, run: Run) -> AsyncIterator[bytes]:
    seen = 0
    while True:
        place = runs.ListOfRun(run_id=run.id, limit=MAXIMUM_LIMIT, offset=seen)
        found = await visit.call(runs.history, place)
        yield b"".join(
            orjson.dumps(event.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE) for event in found.items
        )
        if len(found.items) < MAXIMUM_LIMIT:
            return
        seen = found.items[-1].seq


async def result(visit: Visit) -> Response:
    """What the run was given and gave, whole."""
    run = await visit.call(runs.summarise, visit.command(runs.RunRef, {}, "run_id"))
    return attachment(f"{run.id}.json", run.model_dump_json(indent=2), "application/json")


async def step_output(visit: Visit) -> Response:
    """One step, whole."""
    found = await visit.call(runs.step, visit.command(runs.StepRef, {}, "run_id", "position"))
    name = f"{found.run_id}-{found.position}.json"
    return attachment(name, found.model_dump_json(indent=2), "application/json")


ROUTES = (
    page("/runs/{run_id}/events", events),
    page("/runs/{run_id}/events.ndjson", download),
    page("/runs/{run_id}/result.json", result),
    page("/runs/{run_id}/steps/{position}.json", step_output),
)
