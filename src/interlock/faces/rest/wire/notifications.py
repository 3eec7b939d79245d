"""Native replies about notifications."""

from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

from interlock.domains.notifications.states import Channel, NotificationKind, NotificationLevel, NotificationState
from interlock.domains.notifications.views import EVERYONE, InboxItemId, NotificationId
from interlock.domains.tools.views import ToolCallId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.runtime.context import UserId

Addressee = Annotated[
    UserId,
    PlainSerializer(lambda user: None if user == EVERYONE else str(user), return_type=str | None),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Null: the whole workspace."}),
]


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


class InboxReply(Wire):
    """One piece of news in the product; the subject names what it is about."""

    id: InboxItemId
    kind: NotificationKind
    level: NotificationLevel
    title: str
    body: str
    subject_kind: str | None
    subject_id: str | None
    user_id: Addressee
    read_at: Timestamp | None
    created_at: Timestamp


class UnreadReply(Wire):
    """How many wait to be read; `is_more` where there are even more than that."""

    unread: int
    is_more: bool
