"""What other domains and faces see of tools and of their calls."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from interlock.domains.governance.policies.views import PolicyId, RiskLevel
from interlock.domains.tools.states import CallState, ToolStatus
from interlock.kit.ids import AgentId, RunId, TypedId
from interlock.kit.money import ZERO
from interlock.kit.operations import View
from interlock.runtime.context import ActorKind


class ToolCallId(TypedId):
    """One attempt to use a tool."""

    prefix: ClassVar[str] = "call"


class Tool(View):
    """A tool of the catalogue."""

    name: str
    namespace: str
    title: str
    description: str
    input_schema: dict[str, Any]
    requires_approval: bool
    risk: RiskLevel
    read_only: bool
    destructive: bool
    repeatable: bool
    """Calling it twice with one idempotency key has the effect of calling it once."""
    connector: str | None


class ToolCatalogue(View):
    """The tools a caller may use."""

    tools: tuple[Tool, ...]


class ToolOutcome(View):
    """What became of a call.

    `result` is there when it is done; `reason` when it failed, was denied or is held; `policy_id` when one policy
    decided; `escalation_id` (`esc_…`) when a person decides or has decided.
    """

    call_id: ToolCallId
    tool: str
    status: ToolStatus
    result: Any = None
    reason: str | None = None
    policy_id: PolicyId | None = None
    escalation_id: str | None = None
    cost: Decimal = ZERO
    latency_ms: int | None = None


class ToolCall(View):
    """A call on record; `arguments` are the masked form, `idempotency_key` names its owner before the given key."""

    id: ToolCallId
    number: int
    tool: str
    state: CallState
    caller_kind: ActorKind
    caller_id: str | None
    caller_label: str
    arguments: dict[str, Any]
    args_hash: str
    edited_hash: str | None
    idempotency_key: str | None
    result: Any
    reason: str | None
    policy_id: PolicyId | None
    escalation_id: str | None
    cost: Decimal
    latency_ms: int | None
    run_id: RunId | None
    agent_id: AgentId | None
    created_at: datetime
    settled_at: datetime | None
