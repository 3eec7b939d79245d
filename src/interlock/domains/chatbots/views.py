"""What other domains and faces see of a chatbot; `Widget` and `ChatbotReply` are for the whole world."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from interlock.domains.chatbots.states import ChatbotStatus, WidgetPosition
from interlock.domains.documents.views import DocumentId, Source
from interlock.kit.ids import TypedId
from interlock.kit.operations import View


class ChatbotId(TypedId):
    """A chatbot as its owner knows it."""

    prefix: ClassVar[str] = "cb"


class EmbedId(TypedId):
    """A chatbot as the public knows it."""

    prefix: ClassVar[str] = "emb"


class Chatbot(View):
    """A chatbot: model, instructions, knowledge, looks and limits."""

    id: ChatbotId
    number: int
    embed_id: EmbedId
    name: str
    model: str
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
    status: ChatbotStatus
    created_at: datetime
    updated_at: datetime


class Widget(View):
    """How a chatbot presents itself on a page."""

    title: str
    greeting: str | None
    color: str | None
    position: WidgetPosition


class ChatbotReply(View):
    """One answer; `cost` None means that the model's price is unknown."""

    response: str
    session_id: str
    tokens: int
    cost: Decimal | None
    sources: tuple[Source, ...] = ()
