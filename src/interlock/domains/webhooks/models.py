"""Tables of the webhooks domain."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from interlock.domains.webhooks.states import (
    CallOutcome,
    DeliveryState,
    DuplicateGuard,
    HookAction,
    HookStatus,
    SubscriptionStatus,
)
from interlock.domains.webhooks.views import DeliveryId, HookCallId, HookId, SubscriptionId
from interlock.kit.ids import RunId, TypedId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_status, _status_check = tables.state("status", SubscriptionStatus)
_state, _state_check = tables.state("state", DeliveryState)
_hook_status, _hook_status_check = tables.state("status", HookStatus)
_action, _action_check = tables.state("action", HookAction)
_guard, _guard_check = tables.state("duplicate_guard", DuplicateGuard)

_outcome, _outcome_check = tables.state("outcome", CallOutcome)

hooks = Table(
    "hooks",
    tables.metadata,
    tables.key(),
    tables.guid(HookId),
    tables.reference("workspace_id", WorkspaceId),
    # Unique on the whole server: it is all that an address says.
    Column("slug", String(80), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    _action,
    _action_check,
    # The workflow, monitor or conversation that the action is about.
    tables.reference("target_id", TypedId, nullable=True),
    _hook_status,
    _hook_status_check,
    # Encrypted rather than hashed: checking a signature takes the secret itself.
    Column("secret", LargeBinary),
    Column("secret_end", String(8)),
    Column("rate_limit_per_minute", Integer),
    _guard,
    _guard_check,
    Column("duplicate_header", String(100)),
    Column("duplicate_seconds", Integer, nullable=False),
    Column("respond", Boolean, nullable=False),
    Column("respond_seconds", Integer, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    tables.moment("rotated_at", nullable=True),
    Index("ix_hooks_workspace_id_id", "workspace_id", "id"),
)

# Apart from the hooks, so that counting does not make every server forget what it knows of them.
hook_counters = Table(
    "hook_counters",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    Column("hook_id", tables.IdType(HookId), nullable=False, unique=True),
    Column("accepted", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    tables.moment("last_received_at"),
)

hook_receipts = Table(
    "hook_receipts",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("hook_id", HookId),
    # SHA-256 of what tells two calls apart.
    Column("fingerprint", String(64), nullable=False),
    tables.reference("run_id", RunId, nullable=True),
    tables.moment("received_at"),
    Index("uq_hook_receipts_hook_id_fingerprint", "hook_id", "fingerprint", unique=True),
    Index("ix_hook_receipts_received_at", "received_at"),
)

hook_calls = Table(
    "hook_calls",
    tables.metadata,
    tables.key(),
    tables.guid(HookCallId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("hook_id", HookId),
    tables.moment("received_at"),
    _outcome,
    _outcome_check,
    # Where the caller sits, as far as the server can tell.
    Column("source", String(64)),
    # Without what proves who calls: signatures, keys, cookies.
    Column("headers", tables.Json, nullable=False),
    # The body, where it is text and no larger than is kept.
    Column("payload", Text),
    Column("size", Integer, nullable=False),
    tables.reference("run_id", RunId, nullable=True),
    Column("code", String(80)),
    Column("error", String(500)),
    tables.reference("replay_of", HookCallId, nullable=True),
    Index("ix_hook_calls_hook_id_id", "hook_id", "id"),
    Index("ix_hook_calls_workspace_id_received_at", "workspace_id", "received_at"),
)

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
