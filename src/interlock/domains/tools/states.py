"""The life of a tool call."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class CallState(StrEnum):
    """A call is refused, held for a person, or on its way to the provider; then it is settled for good."""

    HELD = "held"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"


LIFECYCLE = Lifecycle(
    "tool call",
    {
        CallState.HELD: frozenset({CallState.EXECUTING, CallState.DENIED}),
        CallState.EXECUTING: frozenset({CallState.DONE, CallState.FAILED}),
        CallState.DONE: frozenset(),
        CallState.FAILED: frozenset(),
        CallState.DENIED: frozenset(),
    },
)


class ToolStatus(StrEnum):
    """What the caller of a tool is told."""

    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    ACTION_REQUIRED = "action_required"
    """Held: a person decides. Repeat the call, or wait for the decision."""
