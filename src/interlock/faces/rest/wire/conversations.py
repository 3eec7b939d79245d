"""Native replies about conversations."""

from typing import Any

from interlock.domains.conversations.states import Channel, MessageRole, MessageStatus
from interlock.domains.conversations.views import ConversationId, MessageId
from interlock.faces.rest.wire.base import Dollars, Timestamp, Wire


class ConversationReply(Wire):
    """A conversation without its messages."""

    id: ConversationId
    channel: Channel
    title: str | None
    subject: str
    pinned: bool
    starred: bool
    archived: bool
    unread_count: int
    message_count: int
    last_message_at: Timestamp | None
    extra: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


class MessageReply(Wire):
    """One message of a conversation."""

    id: MessageId
    sequence: int
    role: MessageRole
    status: MessageStatus
    content: str
    parts: tuple[dict[str, Any], ...]
    sources: tuple[dict[str, Any], ...]
    model: str | None
    tokens: int | None
    cost: Dollars | None
    created_at: Timestamp


class ThreadReply(Wire):
    """A conversation with its last messages, oldest of them first."""

    conversation: ConversationReply
    messages: tuple[MessageReply, ...]
