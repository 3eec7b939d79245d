"""What faces and other domains see of webhooks."""

from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from interlock.domains.runs.states import RunStatus
from interlock.domains.webhooks.states import (
    CallOutcome,
    DeliveryState,
    DuplicateGuard,
    HookAction,
    HookStatus,
    SignatureStyle,
    SubscriptionStatus,
)
from interlock.kit.ids import RunId, TypedId, WorkflowId
from interlock.kit.operations import View


class HookId(TypedId):
    """An address at which outside programs start work."""

    prefix: ClassVar[str] = "hook"


class HookCallId(TypedId):
    """A call that a hook has received."""

    prefix: ClassVar[str] = "rcv"


class SubscriptionId(TypedId):
    """An address that is told of events."""

    prefix: ClassVar[str] = "whk"


class DeliveryId(TypedId):
    """One event told to one address; the `webhook-id` of every attempt."""

    prefix: ClassVar[str] = "dlv"


class Hook(View):
    """An address at which outside programs start work; of the secret only the end is shown, without one it is open.

    The counters are written every few seconds: a server that dies forgets the last of them, though none of the runs.
    """

    id: HookId
    number: int
    slug: str
    name: str
    action: HookAction
    workflow_id: WorkflowId
    status: HookStatus
    has_secret: bool
    secret_end: str | None
    rate_limit_per_minute: int | None
    duplicate_guard: DuplicateGuard
    duplicate_header: str | None
    duplicate_seconds: int
    respond: bool
    respond_seconds: int
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    last_received_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    rotated_at: datetime | None


class HookSecret(Hook):
    """A hook with its secret, which is shown this once; null for an open hook."""

    secret: str | None


class Receipt(View):
    """What became of a call: the run it started, or that an earlier call of the same content did.

    `status` is `accepted`, or, where the hook responds and the run ended in time, how it ended.
    """

    run_id: RunId
    status: RunStatus | None = None
    duplicate: bool = False
    output: dict[str, Any] | None = None
    error: str | None = None


class HookCall(View):
    """A call that a hook has received; `code` and `error` say why it was refused, `replay_of` which call it repeats."""

    id: HookCallId
    number: int
    hook_id: HookId
    received_at: datetime
    outcome: CallOutcome
    source: str | None
    size: int
    run_id: RunId | None
    code: str | None
    error: str | None
    replay_of: HookCallId | None


class HookCallDetail(HookCall):
    """A received call with its headers and its body; what proves who called is withheld.

    `payload` is None where the body was larger than 64 KB or no text.
    """

    headers: dict[str, str]
    payload: str | None


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
    """One try: what was sent where, signatures withheld; the reply's status and beginning, or why there was none."""

    at: datetime
    status: int | None
    latency_ms: int
    error: str | None
    response: str | None
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)


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
