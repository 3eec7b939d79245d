"""Native replies about notifications."""

from interlock.domains.notifications.states import Channel, NotificationState
from interlock.domains.notifications.views import NotificationId
from interlock.domains.tools.views import ToolCallId
from interlock.faces.rest.wire.base import Timestamp, Wire


class NotificationReply(Wire):
    """One piece of news on one channel, and what became of it."""

    id: NotificationId
    event: str
    channel: Channel
    state: NotificationState
    title: str
    text: str
    error: str | None
    attempts: int
    call_id: ToolCallId | None
    created_at: Timestamp
    settled_at: Timestamp | None
