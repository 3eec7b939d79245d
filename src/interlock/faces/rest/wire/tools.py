"""Native replies about tools and their calls."""

from typing import Any

from interlock.domains.governance.policies.views import ApplyingPolicy, PolicyId, RiskLevel, ToolStanding
from interlock.domains.tools.states import CallState
from interlock.domains.tools.views import ToolCallId
from interlock.faces.rest.wire.base import Cost, Timestamp, Wire


class ToolRow(Wire):
    """A tool of the catalogue."""

    name: str
    namespace: str
    description: str
    input_schema: dict[str, Any]
    requires_approval: bool
    risk: RiskLevel


class CatalogueReply(Wire):
    """The catalogue."""

    tools: tuple[ToolRow, ...]


class ToolCallRow(Wire):
    """A tool call in a list; `escalation_id` is there when a person decides or has decided."""

    id: ToolCallId
    tool: str
    state: CallState
    caller_kind: str
    caller_label: str
    reason: str | None
    escalation_id: str | None
    cost: Cost
    latency_ms: int | None
    created_at: Timestamp
    settled_at: Timestamp | None


class ToolCallDetail(ToolCallRow):
    """A tool call with its masked arguments and its result."""

    arguments: dict[str, Any]
    args_hash: str
    edited_hash: str | None
    policy_id: PolicyId | None
    result: Any


class StandingReply(Wire):
    """The policies over tools, in the order of judgement, and over what the model says."""

    tools: tuple[ToolStanding, ...]
    output: tuple[ApplyingPolicy, ...]
