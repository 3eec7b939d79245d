"""Tables of the tools domain."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, text

from interlock.domains.governance.policies.views import PolicyId
from interlock.domains.tools.states import CallState
from interlock.domains.tools.views import ToolCallId
from interlock.kit.ids import AgentId, RunId
from interlock.runtime import tables
from interlock.runtime.context import ActorKind, WorkspaceId

_state, _state_check = tables.state("state", CallState)
_kind, _kind_check = tables.state("caller_kind", ActorKind)

tool_calls = Table(
    "tool_calls",
    tables.metadata,
    tables.key(),
    tables.guid(ToolCallId),
    tables.reference("workspace_id", WorkspaceId),
    Column("tool", String(200), nullable=False),
    _state,
    _state_check,
    _kind,
    _kind_check,
    Column("caller_id", String(80)),
    Column("caller_label", String(200), nullable=False),
    # Masked; the raw arguments of a held call lie sealed with its approval.
    Column("arguments", tables.Json, nullable=False),
    Column("args_hash", String(64), nullable=False),
    Column("edited_hash", String(64)),
    # Over caller, tool and raw arguments: tells a repeat from another call.
    Column("request_hash", String(64), nullable=False),
    Column("idempotency_key", String(200)),
    # What a held call is judged with when it is executed later.
    Column("terms", tables.Json),
    Column("attempt", Integer, nullable=False),
    tables.moment("leased_until", nullable=True),
    Column("leased_by", String(80)),
    # A held call without a key: the caller's next identical call is a repeat of this one.
    Column("awaits_repeat", Boolean, nullable=False),
    Column("result", tables.Json),
    Column("reason", Text),
    tables.reference("policy_id", PolicyId, nullable=True),
    Column("escalation_id", String(40)),
    tables.money("cost"),
    Column("latency_ms", Integer),
    tables.reference("run_id", RunId, nullable=True),
    tables.reference("agent_id", AgentId, nullable=True),
    tables.moment("created_at"),
    tables.moment("settled_at", nullable=True),
    Index("ix_tool_calls_workspace_id_id", "workspace_id", "id"),
    Index(
        "uq_tool_calls_workspace_id_idempotency_key",
        "workspace_id",
        "idempotency_key",
        unique=True,
        sqlite_where=text("idempotency_key IS NOT NULL"),
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    Index(
        "ix_tool_calls_awaits_repeat",
        "workspace_id",
        "request_hash",
        sqlite_where=text("awaits_repeat = 1"),
        postgresql_where=text("awaits_repeat"),
    ),
    Index(
        "ix_tool_calls_executing",
        "leased_until",
        sqlite_where=text("state = 'executing'"),
        postgresql_where=text("state = 'executing'"),
    ),
    Index(
        "ix_tool_calls_workspace_id_run_id",
        "workspace_id",
        "run_id",
        sqlite_where=text("run_id IS NOT NULL"),
        postgresql_where=text("run_id IS NOT NULL"),
    ),
)
