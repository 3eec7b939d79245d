"""The vocabularies of conversations."""

from enum import StrEnum


class Channel(StrEnum):
    """Where a conversation is held."""

    API = "api"
    CHAT = "chat"
    EMBED = "embed"
    WEB = "web"
    SLACK = "slack"
    TELEGRAM = "telegram"
    DISCORD = "discord"
    WHATSAPP = "whatsapp"
    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    WEBHOOK = "webhook"


class MessageRole(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class MessageStatus(StrEnum):
    """Whether a message is whole."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    """Its reader went away, or its writer failed, before the end; what is stored is what was shown."""
    WITHHELD = "withheld"
    """A content policy objected; it was never shown and is no part of what models are told later."""
