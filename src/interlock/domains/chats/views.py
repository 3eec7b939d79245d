"""What faces see of chats."""

from datetime import datetime

from interlock.domains.chats.states import TurnState
from interlock.domains.conversations.views import ConversationId, Message, MessageId
from interlock.domains.documents.views import DocumentId
from interlock.kit.ids import AgentId, RunId
from interlock.kit.operations import View


class Partner(View):
    """With whom a conversation is held: an agent, or a model by itself; `name` is what it was called at the start."""

    id: ConversationId
    number: int
    agent_id: AgentId | None
    model: str | None
    name: str
    knowledge: tuple[DocumentId, ...]
    created_at: datetime


class Chat(View):
    """A conversation of people with an agent or a model.

    Args:
        knowledge: documents that are searched for what they say to every message.
        answering: the run that is writing an answer, if one is.
    """

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
    active_at: datetime
    created_at: datetime


class ChatTurn(View):
    """One answer: its `id` is that of the run that gives it, `asked` the sequence of the message it answers.

    Args:
        error: why there is no answer, or no whole one.
        answer_id: the message; None while it is being written, and where nothing was said.
    """

    id: RunId
    number: int
    conversation_id: ConversationId
    asked: int
    state: TurnState
    error: str | None
    answer_id: MessageId | None
    started_at: datetime
    ended_at: datetime | None


class ChatThread(View):
    """A chat with its newest messages, oldest of them first, and the answers to them."""

    chat: Chat
    messages: tuple[Message, ...]
    turns: tuple[ChatTurn, ...]
