"""Routes about the AI registry and risk."""

from interlock.domains.governance.registry import service as registry
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.registry import SystemReply, SystemRow

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/registry", registry.list_, list[SystemRow]),
    route("GET", "/api/v1/registry/{system_id}", registry.get, SystemReply),
    route("POST", "/api/v1/registry/{system_id}/assess", registry.assess_system, SystemReply),
)
