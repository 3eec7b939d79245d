"""Tables of the budgets: caps, running totals, reservations and the money ledger."""

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, UniqueConstraint, text

from interlock.domains.governance.budgets.states import ReservationStatus
from interlock.domains.governance.budgets.views import BudgetId, OwnerKind, ReservationId, UsageId, UsageKind
from interlock.kit.ids import AgentId, RunId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

budgets = Table(
    "budgets",
    tables.metadata,
    tables.key(),
    tables.guid(BudgetId),
    tables.reference("workspace_id", WorkspaceId),
    tables.money("monthly_cap", nullable=True),
    tables.money("daily_cap", nullable=True),
    tables.money("per_run_cap", nullable=True),
    Column("alerts", tables.Json, nullable=False),
    Column("fired", tables.Json, nullable=False),
    tables.moment("updated_at"),
    UniqueConstraint("workspace_id"),
)


class CounterScope(StrEnum):
    """Whose total it is."""

    WORKSPACE = "workspace"
    AGENT = "agent"
    TOOL = "tool"
    RUN = "run"


_scope, _scope_check = tables.state("scope", CounterScope)

spend_counters = Table(
    "spend_counters",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    _scope,
    _scope_check,
    # `2026-08` for a month, `2026-08-31` for a day, empty for all time.
    Column("period", String(10), nullable=False),
    # Hex of a run's or agent's id, a tool's name; empty for the workspace.
    Column("subject", String(200), nullable=False),
    tables.money("spent"),
    tables.money("reserved"),
    Column("unknown", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "scope", "period", "subject"),
    CheckConstraint("spent >= 0", name="spent"),
    CheckConstraint("reserved >= 0", name="reserved"),
)

_status, _status_check = tables.state("status", ReservationStatus)
_reserved_kind, _reserved_kind_check = tables.state("kind", UsageKind)

budget_reservations = Table(
    "budget_reservations",
    tables.metadata,
    tables.key(),
    tables.guid(ReservationId),
    tables.reference("workspace_id", WorkspaceId),
    tables.money("amount"),
    _reserved_kind,
    _reserved_kind_check,
    tables.reference("run_id", RunId, nullable=True),
    tables.reference("agent_id", AgentId, nullable=True),
    Column("tool", String(200)),
    _status,
    _status_check,
    tables.moment("created_at"),
    tables.moment("expires_at"),
    Index(
        "ix_budget_reservations_workspace_id_expires_at",
        "workspace_id",
        "expires_at",
        sqlite_where=text("status = 'held'"),
        postgresql_where=text("status = 'held'"),
    ),
)

_used_kind, _used_kind_check = tables.state("kind", UsageKind)

usage_entries = Table(
    "usage_entries",
    tables.metadata,
    tables.key(),
    tables.guid(UsageId),
    tables.reference("workspace_id", WorkspaceId),
    _used_kind,
    _used_kind_check,
    tables.money("cost", nullable=True),
    tables.reference("run_id", RunId, nullable=True),
    tables.reference("agent_id", AgentId, nullable=True),
    Column("tool", String(200)),
    Column("model", String(200)),
    Column("provider", String(120)),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("reference", String(200), nullable=False),
    tables.moment("at"),
    UniqueConstraint("workspace_id", "reference"),
    CheckConstraint("cost >= 0", name="cost"),
    Index("ix_usage_entries_workspace_id_at", "workspace_id", "at"),
    Index("ix_usage_entries_workspace_id_run_id", "workspace_id", "run_id"),
)

_day_kind, _day_kind_check = tables.state("kind", UsageKind)
_owner_kind, _owner_kind_check = tables.state("owner_kind", OwnerKind)

# What a day cost, by everything people ask for: one row for each combination that spent on it, changed in the unit of
# work that writes the line of the money ledger. Empty text stands for what does not apply, because NULLs are no key.
# What one row sums up, in the order in which a stretch of days is read.
SPEND_KEY = (
    "workspace_id",
    "day",
    "kind",
    "model",
    "provider",
    "tool",
    "owner_kind",
    "owner",
    "caller_kind",
    "caller",
)
spend_days = Table(
    "spend_days",
    tables.metadata,
    tables.key(),
    tables.reference("workspace_id", WorkspaceId),
    Column("day", String(10), nullable=False),
    _day_kind,
    _day_kind_check,
    Column("model", String(200), nullable=False),
    Column("provider", String(120), nullable=False),
    Column("tool", String(200), nullable=False),
    _owner_kind,
    _owner_kind_check,
    Column("owner", String(32), nullable=False),
    Column("caller_kind", String(40), nullable=False),
    Column("caller", String(80), nullable=False),
    Column("owner_label", String(200), nullable=False),
    Column("caller_label", String(200), nullable=False),
    tables.money("cost"),
    # What others have spent on the owner's behalf; it is in the others' `cost` already.
    tables.money("attributed"),
    Column("calls", BigInteger, nullable=False),
    Column("unknown", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Index("uq_spend_days_key", *SPEND_KEY, unique=True),
    CheckConstraint("cost >= 0", name="cost"),
)
