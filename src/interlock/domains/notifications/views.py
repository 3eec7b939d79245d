"""What faces see of notifications."""

from datetime import datetime
from typing import Any, ClassVar

from interlock.domains.notifications.states import Channel, NotificationState
from interlock.domains.tools.views import ToolCallId
from interlock.kit.ids import TypedId
from interlock.kit.operations import View


class NotificationId(TypedId):
    """One piece of news on one channel."""

    prefix: ClassVar[str] = "note"


class Notification(View):
    """One piece of news on one channel, and what became of it.

    `event` and `data` are the news as it happened; `error` is why the last attempt failed or why there was none;
    `call_id` is the tool call that carried it, where a tool does.
    """

    id: NotificationId
    number: int
    event: str
    channel: Channel
    state: NotificationState
    title: str
    text: str
    data: dict[str, Any]
    error: str | None
    attempts: int
    call_id: ToolCallId | None
    created_at: datetime
    settled_at: datetime | None
