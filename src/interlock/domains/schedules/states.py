"""The life of a schedule, and how one of its firings may end."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class ScheduleStatus(StrEnum):
    """A schedule fires, rests, or has nothing left to fire."""

    ACTIVE = "active"
    PAUSED = "paused"
    EXHAUSTED = "exhausted"


class EndReason(StrEnum):
    """Why nothing is left to fire."""

    COMPLETED = "completed"
    """Its one moment, or the last there will ever be, is over."""
    EXPIRED = "expired"
    MAX_FIRINGS = "max_firings"


class Overlap(StrEnum):
    """What happens when a schedule is due while the run it started last is unfinished."""

    SKIP = "skip"
    ALLOW = "allow"


class CatchUp(StrEnum):
    """What happens after a downtime in which a schedule was due."""

    ONCE = "once"
    """It fires once, however many times it was due."""
    NONE = "none"


class FiringStatus(StrEnum):
    """How a firing ended."""

    FIRED = "fired"
    CAUGHT_UP = "caught_up"
    """Fired, but late: it stands for all moments that were missed."""
    SKIPPED = "skipped"
    FAILED = "failed"
    """The run could not be started; the schedule goes on."""


class SkipReason(StrEnum):
    """Why a due moment brought no run; the `code` of a skipped firing."""

    OVERLAP = "overlap"
    MISSED = "missed"
    EXPIRED = "expired"


LIFECYCLE = Lifecycle(
    "schedule",
    {
        ScheduleStatus.ACTIVE: frozenset({ScheduleStatus.PAUSED, ScheduleStatus.EXHAUSTED}),
        ScheduleStatus.PAUSED: frozenset({ScheduleStatus.ACTIVE, ScheduleStatus.EXHAUSTED}),
        # By a change of when or how often it fires, never by a mere resume.
        ScheduleStatus.EXHAUSTED: frozenset({ScheduleStatus.ACTIVE}),
    },
)
