"""Routes about runs."""

from interlock.domains.runs import service as runs
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.runs import RunCancelled, RunChanged, RunDetailReply, RunRow, RunStarted

ROUTES: tuple[NativeRoute, ...] = (
    route("POST", "/api/v1/agents/{agent_id}/run", runs.start_agent, RunStarted),
    route("GET", "/api/v1/runs", runs.list_, list[RunRow]),
    route("GET", "/api/v1/runs/{run_id}", runs.get, RunDetailReply),
    route("POST", "/api/v1/runs/{run_id}/cancel", runs.cancel, RunCancelled),
    route("POST", "/api/v1/runs/{run_id}/pause", runs.pause, RunChanged),
    route("POST", "/api/v1/runs/{run_id}/resume", runs.resume, RunChanged),
)
