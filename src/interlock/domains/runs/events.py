"""News of the runs domain."""

from typing import ClassVar

from interlock.domains.runs.states import RunStatus
from interlock.kit.ids import RunId
from interlock.runtime.events import Event


class RunEnded(Event):
    """A run came to its end, whichever way."""

    name: ClassVar[str] = "runs.ended"

    run_id: RunId
    status: RunStatus


class AnswerEnded(Event):
    """A run that answers in a conversation came to its end, whichever way."""

    name: ClassVar[str] = "runs.answer_ended"

    run_id: RunId
