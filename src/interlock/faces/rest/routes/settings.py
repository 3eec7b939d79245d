"""Routes about a workspace's settings."""

from interlock.domains.settings import backups
from interlock.domains.settings import service as settings
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.settings import BackupsReply, BackupWorkReply, SettingsReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/settings", settings.get, SettingsReply),
    route("PATCH", "/api/v1/settings", settings.update, SettingsReply),
    route("GET", "/api/v1/backups", backups.list_, BackupsReply),
    route("POST", "/api/v1/backups", backups.create, BackupWorkReply, status=202),
    route("DELETE", "/api/v1/backups/{name}", backups.delete, Deleted),
)
