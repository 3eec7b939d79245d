"""The lives of hooks, subscriptions and deliveries."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class HookStatus(StrEnum):
    """A paused hook answers as if it were not there."""

    ACTIVE = "active"
    PAUSED = "paused"


class HookAction(StrEnum):
    """What a call of a hook does. Only `workflow` can be chosen so far; the table has room for the others."""

    WORKFLOW = "workflow"
    NOTIFICATION = "notification"
    VAULT = "vault"
    MONITOR = "monitor"
    CONVERSATION = "conversation"


class DuplicateGuard(StrEnum):
    """How a hook tells that a call was made before: not at all, by a header such as an event's id, by the body."""

    OFF = "off"
    HEADER = "header"
    BODY = "body"


class CallOutcome(StrEnum):
    """What became of a received call."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class SubscriptionStatus(StrEnum):
    """A subscription is told of events until it is paused, or disabled because its address no longer answers."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    """By the server itself: deliveries were given up one after another, or the address said that it is gone."""


class DeliveryState(StrEnum):
    """A delivery is tried until it arrives or is given up; it can then be tried once more by hand."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after the last attempt."""
    DROPPED = "dropped"
    """Not tried (any more), because the subscription was paused, disabled or deleted."""


class SignatureStyle(StrEnum):
    """Further headers beside those of Standard Webhooks, for receivers that were written for another system."""

    STRATAM = "stratam"
    STRYDA = "stryda"


_D = DeliveryState
DELIVERY_LIFECYCLE = Lifecycle(
    "delivery",
    {
        _D.PENDING: frozenset({_D.PENDING, _D.DELIVERED, _D.DEAD, _D.DROPPED}),
        _D.DELIVERED: frozenset({_D.PENDING}),
        _D.DEAD: frozenset({_D.PENDING}),
        _D.DROPPED: frozenset({_D.PENDING}),
    },
)

_S = SubscriptionStatus
SUBSCRIPTION_LIFECYCLE = Lifecycle(
    "subscription",
    {
        _S.ACTIVE: frozenset({_S.PAUSED, _S.DISABLED}),
        _S.PAUSED: frozenset({_S.ACTIVE}),
        _S.DISABLED: frozenset({_S.ACTIVE, _S.PAUSED}),
    },
)
