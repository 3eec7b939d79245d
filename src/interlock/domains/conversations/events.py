"""News of the conversations domain."""

from typing import ClassVar

from interlock.domains.conversations.states import Channel
from interlock.domains.conversations.views import ConversationId
from interlock.runtime.events import Event


class ConversationStarted(Event):
    """A thread has its first message."""

    name: ClassVar[str] = "conversations.started"

    conversation_id: ConversationId
    channel: Channel
    subject: str
