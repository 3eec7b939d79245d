"""Native replies about chats."""

from interlock.domains.chats.states import TurnState
from interlock.domains.conversations.views import ConversationId, MessageId
from interlock.domains.documents.views import DocumentId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.faces.rest.wire.conversations import MessageReply
from interlock.kit.ids import AgentId, RunId


class ChatReply(Wire):
    """A chat without its messages."""

    id: ConversationId
    title: str | None
    agent_id: AgentId | None
    model: str | None
    name: str
    knowledge: tuple[DocumentId, ...]
    pinned: bool
    archived: bool
    message_count: int
    answering: RunId | None
    active_at: Timestamp
    created_at: Timestamp


class TurnReply(Wire):
    """One answer: its id is that of the run which gives it, `asked` the sequence of the message it answers."""

    id: RunId
    conversation_id: ConversationId
    asked: int
    state: TurnState
    error: str | None
    answer_id: MessageId | None
    started_at: Timestamp
    ended_at: Timestamp | None


class ChatThreadReply(Wire):
    """A chat with its last messages, oldest of them first, and what became of the answers."""

    chat: ChatReply
    messages: tuple[MessageReply, ...]
    turns: tuple[TurnReply, ...]
