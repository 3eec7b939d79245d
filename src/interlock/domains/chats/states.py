"""The life of one answer."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class TurnState(StrEnum):
    """An answer is being given, or came to its end in one of four ways."""

    ANSWERING = "answering"
    ANSWERED = "answered"
    STOPPED = "stopped"
    """A person ended it; what was said by then is kept."""
    FAILED = "failed"
    WITHHELD = "withheld"
    """A content policy objected."""


_ENDINGS = frozenset(TurnState) - {TurnState.ANSWERING}

LIFECYCLE = Lifecycle(
    "answer", {TurnState.ANSWERING: _ENDINGS, **{ending: frozenset[TurnState]() for ending in _ENDINGS}}
)
