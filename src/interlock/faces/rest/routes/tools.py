"""Routes about tools; calling one is the business of the MCP face and of agents."""

from interlock.domains.tools import service as tools
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.tools import CatalogueReply, StandingReply, ToolCallDetail, ToolCallRow

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/mcp/tools", tools.catalog, CatalogueReply),
    route("GET", "/api/v1/tool-policies", tools.policies_over, StandingReply),
    route("GET", "/api/v1/tool-calls", tools.list_calls, list[ToolCallRow]),
    route("GET", "/api/v1/tool-calls/{call_id}", tools.get_call, ToolCallDetail),
)
