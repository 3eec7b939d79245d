"""What faces see of notifications."""

from datetime import datetime
from typing import Any, ClassVar

from interlock.domains.notifications.states import Channel, NotificationKind, NotificationLevel, NotificationState
from interlock.domains.tools.views import ToolCallId
from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.runtime.context import UserId


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


EVERYONE = UserId(int=0)
"""Who an inbox item is for when it is for the whole workspace."""


class InboxItemId(TypedId):
    """One piece of news in the inbox."""

    prefix: ClassVar[str] = "inb"


class InboxItem(View):
    """One piece of news for people, in the product itself.

    `subject_kind` and `subject_id` name what it is about, such as `run` and a run's id; `user_id` is `EVERYONE` where
    the whole workspace is told, and then whoever reads it first has read it for all.
    """

    id: InboxItemId
    number: int
    user_id: UserId
    kind: NotificationKind
    level: NotificationLevel
    title: str
    body: str
    subject_kind: str | None
    subject_id: str | None
    read_at: datetime | None
    created_at: datetime


class Unread(View):
    """How many items of the caller's inbox wait to be read; `is_more` where there are even more than that."""

    unread: int
    is_more: bool
