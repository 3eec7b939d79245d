"""Routes about runs."""

from interlock.domains.runs import service as runs
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.runs import (
    EventRow,
    FamilyReply,
    FiguresReply,
    RunCancelled,
    RunChanged,
    RunDetailReply,
    RunRow,
    RunStarted,
    RunSummaryReply,
    StepDetailReply,
    StepListed,
)

ROUTES: tuple[NativeRoute, ...] = (
    route("POST", "/api/v1/agents/{agent_id}/run", runs.start_agent, RunStarted),
    route("GET", "/api/v1/agent-figures", runs.of_agents, FiguresReply),
    route("GET", "/api/v1/runs", runs.list_, list[RunRow]),
    route("GET", "/api/v1/runs/{run_id}", runs.get, RunDetailReply),
    route("GET", "/api/v1/runs/{run_id}/summary", runs.summarise, RunSummaryReply),
    route("GET", "/api/v1/runs/{run_id}/steps", runs.steps, list[StepListed]),
    route("GET", "/api/v1/runs/{run_id}/steps/{position}", runs.step, StepDetailReply),
    route("GET", "/api/v1/runs/{run_id}/family", runs.family, FamilyReply),
    route("GET", "/api/v1/runs/{run_id}/history", runs.history, list[EventRow]),
    route("POST", "/api/v1/runs/{run_id}/replay", runs.run_again, RunStarted),
    route("POST", "/api/v1/runs/{run_id}/cancel", runs.cancel, RunCancelled),
    route("POST", "/api/v1/runs/{run_id}/pause", runs.pause, RunChanged),
    route("POST", "/api/v1/runs/{run_id}/resume", runs.resume, RunChanged),
)
