"""The life of a notification on its way out, and the kinds of news in the inbox."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class Channel(StrEnum):
    """The way a notification goes out."""

    SLACK = "slack"
    EMAIL = "email"
    WEBHOOK = "webhook"


class NotificationState(StrEnum):
    """A notification waits for its first attempt, is tried again after a failed one, or has ended."""

    WAITING = "waiting"
    RETRYING = "retrying"
    """The last attempt failed; the next follows by itself, later each time."""
    HELD = "held"
    """A policy has a person agree to the message before it goes out."""
    SENT = "sent"
    FAILED = "failed"
    """Given up: refused by a policy or a person, or no attempt is left."""
    SKIPPED = "skipped"
    """The channel was not configured."""


_S = NotificationState
_ENDS = frozenset({_S.SENT, _S.FAILED})
LIFECYCLE = Lifecycle(
    "notification",
    {
        _S.WAITING: _ENDS | {_S.RETRYING, _S.HELD, _S.SKIPPED},
        _S.RETRYING: _ENDS | {_S.RETRYING, _S.HELD, _S.SKIPPED},
        _S.HELD: _ENDS,
        _S.SENT: frozenset(),
        _S.FAILED: frozenset(),
        _S.SKIPPED: frozenset(),
    },
)


class NotificationKind(StrEnum):
    """What a piece of news in the inbox is about."""

    APPROVAL_REQUESTED = "approval_requested"
    BUDGET_ALERT = "budget_alert"
    POLICY_ALERT = "policy_alert"
    RUN_FAILED = "run_failed"
    SCHEDULE_FAILING = "schedule_failing"
    SUBSCRIPTION_DISABLED = "subscription_disabled"
    """An outbound webhook failed for so long that it was turned off."""
    SYSTEM = "system"


class NotificationLevel(StrEnum):
    """How much a piece of news in the inbox matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
