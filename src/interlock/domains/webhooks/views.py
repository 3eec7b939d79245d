"""What faces and other domains see of webhooks."""

from datetime import datetime
from typing import Any, ClassVar

from interlock.domains.webhooks.states import DeliveryState, SignatureStyle, SubscriptionStatus
from interlock.kit.ids import TypedId
from interlock.kit.operations import View


class SubscriptionId(TypedId):
    """An address that is told of events."""

    prefix: ClassVar[str] = "whk"


class DeliveryId(TypedId):
    """One event told to one address; the `webhook-id` of every attempt."""

    prefix: ClassVar[str] = "dlv"


class Subscription(View):
    """An address that is told of events.

    `events` are globs over the names of events; of the secret only the end is shown; `dead_in_a_row` counts the
    deliveries that were given up since the last that arrived.
    """

    id: SubscriptionId
    number: int
    url: str
    events: tuple[str, ...]
    styles: tuple[SignatureStyle, ...]
    description: str | None
    status: SubscriptionStatus
    status_reason: str | None
    secret_end: str
    dead_in_a_row: int
    created_at: datetime
    updated_at: datetime
    rotated_at: datetime | None


class SubscriptionSecret(Subscription):
    """A subscription with its secret, which is shown this once."""

    secret: str


class Attempt(View):
    """One try: the reply's status and beginning, or why there was none."""

    at: datetime
    status: int | None
    latency_ms: int
    error: str | None
    response: str | None


class Delivery(View):
    """One event told to one address, and what became of it."""

    id: DeliveryId
    number: int
    subscription_id: SubscriptionId
    event: str
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None


class DeliveryDetail(Delivery):
    """A delivery with what was sent and every attempt that is on record."""

    payload: dict[str, Any]
    log: tuple[Attempt, ...]


class EventType(View):
    """Something that can be told: its name, when it happens, and the JSON schema of the payload's `data`."""

    name: str
    summary: str
    data_schema: dict[str, Any]
