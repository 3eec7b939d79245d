"""What a run has said in a conversation, as its stream keeps it; reading it loads no model library."""

from collections.abc import Iterable

from pydantic import BaseModel

from interlock.kit.ids import RunId
from interlock.runtime.events import StreamEvent

TEXT, WITHHELD, ENDED = "text", "withheld", "ended"


def speech_of(run_id: RunId) -> str:
    """The name of the stream of what a run says."""
    return f"chat:{run_id}"


class Spoken(BaseModel):
    """What a run has said, put together from its stream."""

    turns: dict[int, str] = {}
    attempts: dict[int, str] = {}
    withheld: str | None = None

    def text(self) -> str:
        """All of it, in order."""
        return "\n\n".join(text for _, text in sorted(self.turns.items()) if text.strip()).strip()


def put_together(events: Iterable[StreamEvent]) -> Spoken:
    """What was said, by the newest attempt of every turn; what was withheld is taken out."""
    turns: dict[int, str] = {}
    attempts: dict[int, str] = {}
    withheld = None
    for event in events:
        if event.type == TEXT:
            turn, attempt, text = event.data["turn"], event.data["attempt"], event.data["text"]
            turns[turn] = turns[turn] + text if attempts.get(turn) == attempt else text
            attempts[turn] = attempt
        elif event.type == WITHHELD:
            turns.pop(event.data["turn"], None)
            withheld = str(event.data["reason"])
    return Spoken(turns=turns, attempts=attempts, withheld=withheld)
