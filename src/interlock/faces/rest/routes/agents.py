"""Routes about agents."""

from interlock.domains.agents import service as agents
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.agents import AgentCreated, AgentDetail, AgentRow, AgentUpdated, AgentVersionRow
from interlock.faces.rest.wire.base import Deleted

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/agents", agents.list_, list[AgentRow]),
    route("POST", "/api/v1/agents", agents.create, AgentCreated),
    route("GET", "/api/v1/agents/{agent_id}", agents.get, AgentDetail),
    route("PATCH", "/api/v1/agents/{agent_id}", agents.update, AgentUpdated),
    route("DELETE", "/api/v1/agents/{agent_id}", agents.delete, Deleted),
    route("GET", "/api/v1/agents/{agent_id}/versions", agents.versions, list[AgentVersionRow]),
    route("GET", "/api/v1/agents/{agent_id}/versions/{version}", agents.get_version, AgentVersionRow),
    route("POST", "/api/v1/agents/{agent_id}/restore", agents.restore, AgentUpdated),
)
