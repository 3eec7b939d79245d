"""What a caller says about when: English words, or a kind and its specification; wrong ones are told by field."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from interlock.kit.errors import InterlockError, invalid
from interlock.kit.recurrence import Recurrence, RecurrenceError, RecurrenceKind, recurrence
from interlock.kit.recurrence_text import read


@dataclass(frozen=True, slots=True)
class Timing:
    """When something is due, the words it was read from, and how sure the reading is."""

    recurrence: Recurrence
    text: str | None
    confidence: float

    def columns(self) -> dict[str, Any]:
        """What the schedule's row says about it."""
        return {
            "kind": self.recurrence.kind,
            "spec": self.recurrence.spec,
            "text": self.text,
            "time_zone": self.recurrence.zone.key,
            "anchor_at": self.recurrence.anchor,
        }


def anchor_of(now: datetime) -> datetime:
    """What intervals that begin now are counted from: whole seconds are easier to read."""
    return now.replace(microsecond=0)


def timing_of(text: str | None, kind: RecurrenceKind | None, spec: str | None, time_zone: str, now: datetime) -> Timing:
    """Check what was said.

    Raises:
        InterlockError: invalid; it names the field and, in words, the part that was not understood.
    """
    if (text is None) == (spec is None):
        raise invalid("Say when: either 'text' or 'kind' with 'spec'.", field="text", hint='{"text": "every hour"}')
    if (kind is None) != (spec is None):
        raise invalid("'kind' and 'spec' go together.", field="kind", hint="kind: cron, interval or one_shot")
    try:
        if text is not None:
            reading = read(text)
            found = recurrence(reading.kind, reading.spec, time_zone, anchor_of(now))
            return Timing(found, text, reading.confidence)
        if kind is None or spec is None:
            raise RecurrenceError("'kind' and 'spec' go together.")
        return Timing(recurrence(kind, spec, time_zone, anchor_of(now)), None, 1.0)
    except RecurrenceError as error:
        field = "text" if text is not None and error.part == "spec" else error.part
        raise _wrong(field, error) from error


def upcoming(timing: Timing, now: datetime, count: int) -> tuple[datetime, ...]:
    """The next due moments."""
    return tuple(islice(timing.recurrence.after(now), count))


def _wrong(field: str, error: RecurrenceError) -> InterlockError:
    return invalid(str(error), field=field)
