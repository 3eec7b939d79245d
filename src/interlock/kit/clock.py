"""Time as a dependency: the system clock, and one a test moves by hand."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """The current instant."""
        ...


class SystemClock:
    """The machine's clock, never allowed to run backwards within one process.

    A step back (NTP, a suspended VM) would reorder evidence; the clock then stands still until real time catches up.
    """

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The current instant, at least as late as any instant told before."""
        current = datetime.now(UTC)
        if current < self._last:
            return self._last
        self._last = current
        return current


class FixedClock:
    """A clock for tests: it moves only when told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The instant last set."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move time forward (or back, to test a clock change)."""
        self._now += by


def iso_seconds(moment: datetime) -> str:
    """ISO 8601 in UTC with whole seconds and a Z suffix, as the native API writes time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
