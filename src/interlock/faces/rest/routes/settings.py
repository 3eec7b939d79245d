"""Routes about a workspace's settings."""

from interlock.domains.settings import service as settings
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.settings import SettingsReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/settings", settings.get, SettingsReply),
    route("PATCH", "/api/v1/settings", settings.update, SettingsReply),
)
