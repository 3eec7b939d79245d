"""Native replies about webhooks."""

from typing import Annotated, Any

from pydantic import Field, PlainSerializer, SerializationInfo, WithJsonSchema

from interlock.domains.webhooks.states import (
    CallOutcome,
    DeliveryState,
    DuplicateGuard,
    HookAction,
    HookStatus,
    SignatureStyle,
    SubscriptionStatus,
)
from interlock.domains.webhooks.views import DeliveryId, HookCallId, HookId, SubscriptionId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.kit.ids import RunId, WorkflowId


def _hook_url(slug: str, info: SerializationInfo) -> str:
    return f"{(info.context or {}).get('base_url', '')}/hooks/{slug}"


HookUrl = Annotated[str, PlainSerializer(_hook_url), WithJsonSchema({"type": "string"})]


class HookReply(Wire):
    """An address that starts a workflow; without a secret it is open to anybody."""

    id: HookId
    slug: str
    url: HookUrl = Field(validation_alias="slug")
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
    accepted: int
    duplicates: int
    refused: int
    last_received_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
    rotated_at: Timestamp | None


class HookSecretReply(HookReply):
    """A hook with its secret, shown this once; null for an open hook."""

    secret: str | None


class HookCallReply(Wire):
    """A call that a hook has received."""

    id: HookCallId
    hook_id: HookId
    received_at: Timestamp
    outcome: CallOutcome
    source: str | None
    size: int
    run_id: RunId | None
    code: str | None
    error: str | None
    replay_of: HookCallId | None


class HookCallDetailReply(HookCallReply):
    """A received call with its headers and, where it was kept, its body; what proves who called is withheld."""

    headers: dict[str, str]
    payload: str | None


class SubscriptionReply(Wire):
    """An address that is told of events; of the secret only the end is shown."""

    id: SubscriptionId
    url: str
    events: tuple[str, ...]
    styles: tuple[SignatureStyle, ...]
    description: str | None
    status: SubscriptionStatus
    status_reason: str | None
    secret_end: str
    dead_in_a_row: int
    created_at: Timestamp
    updated_at: Timestamp
    rotated_at: Timestamp | None


class SubscriptionSecretReply(SubscriptionReply):
    """A subscription with its secret, shown this once."""

    secret: str


class AttemptReply(Wire):
    """One try."""

    at: Timestamp
    status: int | None
    latency_ms: int
    error: str | None
    response: str | None
    url: str | None
    headers: dict[str, str]


class DeliveryReply(Wire):
    """One event told to one address."""

    id: DeliveryId
    subscription_id: SubscriptionId
    event: str
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: Timestamp
    next_attempt_at: Timestamp | None
    settled_at: Timestamp | None


class DeliveryDetailReply(DeliveryReply):
    """A delivery with what was sent and every attempt."""

    payload: dict[str, Any]
    log: tuple[AttemptReply, ...]


class EventTypeReply(Wire):
    """Something that can be told."""

    name: str
    summary: str
    data_schema: dict[str, Any]
