"""The life of a run."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class RunStatus(StrEnum):
    """A run works, waits for a person, or has ended in one of five ways."""

    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BUDGET_EXCEEDED = "budget_exceeded"


_ENDINGS = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.BUDGET_EXCEEDED})

LIFECYCLE = Lifecycle(
    "run",
    {
        RunStatus.RUNNING: _ENDINGS | {RunStatus.WAITING_APPROVAL},
        RunStatus.WAITING_APPROVAL: _ENDINGS | {RunStatus.RUNNING},
        **{ending: frozenset[RunStatus]() for ending in _ENDINGS},
    },
)


class RunKind(StrEnum):
    """What is being executed."""

    AGENT = "agent"


class StepKind(StrEnum):
    """What a step did."""

    MODEL = "model"
    TOOL = "tool"


class StepStatus(StrEnum):
    """How a step stands."""

    COMPLETED = "completed"
    WAITING_APPROVAL = "waiting_approval"
    DENIED = "denied"
    FAILED = "failed"
