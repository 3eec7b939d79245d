"""The life of a chatbot, and where its bubble sits."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class ChatbotStatus(StrEnum):
    """A draft cannot be talked to; a deployed chatbot can be taken back."""

    DRAFT = "draft"
    DEPLOYED = "deployed"


LIFECYCLE = Lifecycle(
    "chatbot",
    {
        ChatbotStatus.DRAFT: frozenset({ChatbotStatus.DEPLOYED}),
        ChatbotStatus.DEPLOYED: frozenset({ChatbotStatus.DRAFT}),
    },
)


class WidgetPosition(StrEnum):
    """The lower corner of a page where the bubble sits."""

    RIGHT = "right"
    LEFT = "left"
