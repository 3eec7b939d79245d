"""The life of a run."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class RunStatus(StrEnum):
    """A run works, waits for a person, rests, or has ended in one of six ways."""

    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    BUDGET_EXCEEDED = "budget_exceeded"


_ENDINGS = frozenset(
    {
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.REJECTED,
        RunStatus.CANCELLED,
        RunStatus.BUDGET_EXCEEDED,
    }
)

LIFECYCLE = Lifecycle(
    "run",
    {
        RunStatus.RUNNING: _ENDINGS | {RunStatus.WAITING_APPROVAL, RunStatus.PAUSED},
        RunStatus.WAITING_APPROVAL: _ENDINGS | {RunStatus.RUNNING, RunStatus.PAUSED},
        RunStatus.PAUSED: _ENDINGS | {RunStatus.RUNNING},
        **{ending: frozenset[RunStatus]() for ending in _ENDINGS},
    },
)


class RunKind(StrEnum):
    """What is being executed."""

    AGENT = "agent"
    WORKFLOW = "workflow"


class Trigger(StrEnum):
    """What started a run."""

    MANUAL = "manual"
    HOOK = "hook"
    FORM = "form"
    SCHEDULE = "schedule"
    TABLE = "table"
    WORKFLOW = "workflow"
    PLATFORM = "platform"
    CHAT = "chat"


BY_HAND = frozenset({Trigger.MANUAL, Trigger.WORKFLOW})
"""Triggers that may start a draft."""


OPEN_TO_ALL = frozenset({Trigger.HOOK, Trigger.FORM, Trigger.CHAT, Trigger.PLATFORM})
"""Triggers that somebody unknown may pull, and that may show them what the run gives."""


class StepKind(StrEnum):
    """What a step did."""

    MODEL = "model"
    TOOL = "tool"
    NODE = "node"
    """A node of a workflow that is neither: its own work costs nothing, or is a run of its own."""


class StepStatus(StrEnum):
    """How a step stands."""

    COMPLETED = "completed"
    WAITING_APPROVAL = "waiting_approval"
    DENIED = "denied"
    FAILED = "failed"
