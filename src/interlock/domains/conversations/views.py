"""What other domains and faces see of conversations."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from interlock.domains.conversations.states import Channel, MessageRole, MessageStatus
from interlock.kit.ids import TypedId
from interlock.kit.operations import View


class ConversationId(TypedId):
    """A thread of messages."""

    prefix: ClassVar[str] = "conv"


class MessageId(TypedId):
    """One message of a thread."""

    prefix: ClassVar[str] = "msg"


class Conversation(View):
    """A thread.

    Args:
        subject: what it is held with, such as a chatbot's id; empty when nothing in particular.
        session_key: the outside world's name of it, unique for its channel and subject.
        active_at: when it last changed for a reader: its newest message, or its beginning.
        extra: what only one client knows of it.
    """

    id: ConversationId
    number: int
    channel: Channel
    title: str | None
    subject: str
    session_key: str | None
    pinned: bool
    starred: bool
    archived: bool
    unread_count: int
    message_count: int
    active_at: datetime
    last_message_at: datetime | None
    extra: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Message(View):
    """One message; `sequence` counts from 1 without gaps in its thread, `cost` None means that no price is known."""

    id: MessageId
    number: int
    conversation_id: ConversationId
    sequence: int
    role: MessageRole
    status: MessageStatus
    content: str
    parts: tuple[dict[str, Any], ...]
    sources: tuple[dict[str, Any], ...]
    model: str | None
    tokens: int | None
    cost: Decimal | None
    created_at: datetime


class Thread(View):
    """A conversation with its newest messages, oldest of them first."""

    conversation: Conversation
    messages: tuple[Message, ...]
