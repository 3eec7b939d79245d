"""Routes about connections of no-code platforms, and the URL they ask for verdicts at."""

from interlock.domains.governance.platforms import service as platforms
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.checks import VerdictReply
from interlock.faces.rest.wire.platforms import PlatformReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/platforms", platforms.list_, list[PlatformReply]),
    route("POST", "/api/v1/platforms", platforms.create, PlatformReply),
    route("GET", "/api/v1/platforms/{platform_id}", platforms.get, PlatformReply),
    route("POST", "/api/v1/platforms/{platform_id}/rotate", platforms.rotate, PlatformReply),
    route("POST", "/api/v1/platforms/{platform_id}/disconnect", platforms.disconnect, PlatformReply),
    route(
        "POST",
        "/api/platforms/{connection_token}/webhook",
        platforms.check,
        VerdictReply,
        allowed=None,
        owner=platforms.owner_of,
    ),
)
