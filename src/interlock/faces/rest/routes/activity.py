"""Routes about the system log."""

from interlock.domains.activity import service as activity
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.activity import LogRow

ROUTES: tuple[NativeRoute, ...] = (route("GET", "/api/v1/activity", activity.list_, list[LogRow]),)
