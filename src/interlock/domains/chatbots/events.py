"""News of the chatbots domain."""

from typing import ClassVar

from interlock.domains.chatbots.views import ChatbotId
from interlock.runtime.events import Event


class ChatbotDefined(Event):
    """A chatbot was created or changed, so its risk and registry entry may differ."""

    name: ClassVar[str] = "chatbots.defined"

    chatbot_id: ChatbotId


class ChatbotRemoved(Event):
    """A chatbot is gone; its conversations and the money it cost stay on record."""

    name: ClassVar[str] = "chatbots.removed"

    chatbot_id: ChatbotId
