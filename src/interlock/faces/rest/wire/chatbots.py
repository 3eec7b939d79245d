"""Native replies about chatbots: to their owners, and (`WidgetReply`, `Said`) to the whole world."""

from interlock.domains.chatbots.states import ChatbotStatus, WidgetPosition
from interlock.domains.chatbots.views import ChatbotId, EmbedId
from interlock.domains.documents.views import DocumentId
from interlock.faces.rest.wire.base import Dollars, Timestamp, Wire


class ChatbotCreated(Wire):
    """The short view of a new chatbot."""

    id: ChatbotId
    name: str
    embed_id: EmbedId
    status: ChatbotStatus
    created_at: Timestamp


class ChatbotRow(Wire):
    """A chatbot in a list: without prompt and limits."""

    id: ChatbotId
    name: str
    model: str
    embed_id: EmbedId
    status: ChatbotStatus
    created_at: Timestamp


class ChatbotDetail(ChatbotRow):
    """A chatbot with prompt, knowledge, looks and limits."""

    system_prompt: str | None
    knowledge_base: tuple[DocumentId, ...]
    title: str | None
    greeting: str | None
    color: str | None
    position: WidgetPosition
    allowed_origins: tuple[str, ...] | None
    messages_per_minute: int | None
    max_tokens: int
    history_tokens: int
    updated_at: Timestamp


class ChatbotUpdated(Wire):
    """The headline fields after a change."""

    id: ChatbotId
    name: str
    model: str
    embed_id: EmbedId
    status: ChatbotStatus
    updated_at: Timestamp


class WidgetReply(Wire):
    """How a chatbot presents itself on a page."""

    title: str
    greeting: str | None
    color: str | None
    position: WidgetPosition


class SourceReply(Wire):
    """Where an answer's facts come from."""

    title: str
    locator: str | None


class Said(Wire):
    """A chatbot's answer; `cost` is null where the model's price is unknown."""

    response: str
    session_id: str
    tokens: int
    cost: Dollars | None
    sources: tuple[SourceReply, ...]
