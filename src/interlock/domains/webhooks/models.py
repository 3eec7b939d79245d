"""Tables of the webhooks domain."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from interlock.domains.webhooks.states import DeliveryState, SubscriptionStatus
from interlock.domains.webhooks.views import DeliveryId, SubscriptionId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_status, _status_check = tables.state("status", SubscriptionStatus)
_state, _state_check = tables.state("state", DeliveryState)

webhook_subscriptions = Table(
    "webhook_subscriptions",
    tables.metadata,
    tables.key(),
    tables.guid(SubscriptionId),
    tables.reference("workspace_id", WorkspaceId),
    Column("url", String(2_000), nullable=False),
    Column("events", tables.Json, nullable=False),
    Column("styles", tables.Json, nullable=False),
    Column("description", String(500)),
    _status,
    _status_check,
    Column("status_reason", String(500)),
    Column("secret", LargeBinary, nullable=False),
    Column("secret_end", String(8), nullable=False),
    # Signs too for a while after a rotation, so that receivers can follow in their own time.
    Column("former_secret", LargeBinary),
    Column("dead_in_a_row", Integer, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    tables.moment("rotated_at", nullable=True),
    Index("ix_webhook_subscriptions_workspace_id_id", "workspace_id", "id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    tables.metadata,
    tables.key(),
    tables.guid(DeliveryId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("subscription_id", SubscriptionId),
    Column("event", String(80), nullable=False),
    # The delivery of the domain event that brought the news: the same when it is brought again.
    Column("source", String(80), nullable=False),
    # The exact text that is sent, at every attempt.
    Column("body", Text, nullable=False),
    _state,
    _state_check,
    Column("attempts", Integer, nullable=False),
    Column("log", tables.Json, nullable=False),
    Column("last_status", Integer),
    Column("last_error", Text),
    tables.moment("created_at"),
    # When it is due; while an attempt is being made, when it is due again should the server die.
    tables.moment("next_attempt_at", nullable=True),
    tables.moment("settled_at", nullable=True),
    Index("ix_webhook_deliveries_workspace_id_id", "workspace_id", "id"),
    Index("ix_webhook_deliveries_workspace_id_subscription_id_id", "workspace_id", "subscription_id", "id"),
    Index("ix_webhook_deliveries_workspace_id_state_id", "workspace_id", "state", "id"),
    Index("ix_webhook_deliveries_workspace_id_created_at", "workspace_id", "created_at"),
    # The subscription stands in it so that those of a busy one are passed over without a look at their rows.
    Index("ix_webhook_deliveries_due", "state", "next_attempt_at", "subscription_id"),
    Index("uq_webhook_deliveries_subscription_id_source", "subscription_id", "source", unique=True),
)
