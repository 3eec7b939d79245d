"""How much of a conversation a model is told: the newest exchanges that fit; pure."""

from collections.abc import Sequence

from interlock.domains.conversations.states import MessageRole, MessageStatus
from interlock.domains.conversations.views import Message

_CHARACTERS_PER_TOKEN = 4


def recent(history: Sequence[Message], allowance: int) -> list[Message]:
    """The newest exchanges that fit an allowance in tokens, without those whose answer was withheld."""
    left = allowance * _CHARACTERS_PER_TOKEN
    kept: list[list[Message]] = []
    for exchange in reversed(_exchanges(history)):
        left -= sum(len(message.content) for message in exchange)
        if left < 0:
            break
        kept.append(exchange)
    return [message for exchange in reversed(kept) for message in exchange]


def _exchanges(history: Sequence[Message]) -> list[list[Message]]:
    exchanges: list[list[Message]] = []
    for message in history:
        if message.role is MessageRole.USER:
            exchanges.append([])
        if exchanges and message.role in {MessageRole.USER, MessageRole.ASSISTANT}:
            exchanges[-1].append(message)
    return [each for each in exchanges if all(message.status is not MessageStatus.WITHHELD for message in each)]
