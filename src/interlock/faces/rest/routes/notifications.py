"""Routes about notifications."""

from interlock.domains.notifications import service as notifications
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.notifications import NotificationReply

ROUTES: tuple[NativeRoute, ...] = (route("GET", "/api/v1/notifications", notifications.list_, list[NotificationReply]),)
