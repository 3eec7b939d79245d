"""Routes about notifications: deliveries over channels, and the inbox."""

from interlock.domains.notifications import service as notifications
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.notifications import InboxReply, NotificationReply, UnreadReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/notifications", notifications.list_, list[NotificationReply]),
    route("GET", "/api/v1/inbox", notifications.inbox, list[InboxReply]),
    route("GET", "/api/v1/inbox/unread", notifications.unread, UnreadReply),
    route("POST", "/api/v1/inbox/read", notifications.mark_read, UnreadReply),
    route("DELETE", "/api/v1/inbox/{item_id}", notifications.dismiss, Deleted),
)
