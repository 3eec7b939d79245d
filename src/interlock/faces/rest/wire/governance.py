"""Native replies about policies, approvals, budgets and evidence."""

from typing import Any, Literal

from pydantic import Field, computed_field

from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import ApprovalId, ApprovalKind
from interlock.domains.governance.budgets.views import AlertChannel as BudgetChannel
from interlock.domains.governance.ledger.views import EntryEvent, EntryId
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import AlertChannel, Decision, Match, PolicyId, PolicyType, RiskLevel
from interlock.domains.governance.registry.views import SystemId
from interlock.faces.rest.wire.base import Cost, Dollars, Timestamp, Wire
from interlock.kit.ids import RunId
from interlock.runtime.context import ActorKind, UserId


class PolicyReply(Wire):
    """A policy in full."""

    id: PolicyId
    name: str
    type: PolicyType
    mode: PolicyMode
    match: Match
    config: dict[str, Any]
    channels: tuple[AlertChannel, ...]
    enabled: bool
    created_at: Timestamp
    updated_at: Timestamp


class ApprovedReply(Wire):
    """A gate that a person agreed to."""

    id: ApprovalId
    action: Literal["approved"] = "approved"
    reviewer: UserId | None = Field(validation_alias="reviewer_id")
    comment: str | None
    approved_at: Timestamp = Field(validation_alias="decided_at")


class RejectedReply(Wire):
    """A gate that a person refused."""

    id: ApprovalId
    action: Literal["rejected"] = "rejected"
    reviewer: UserId | None = Field(validation_alias="reviewer_id")
    comment: str | None
    rejected_at: Timestamp = Field(validation_alias="decided_at")


class ApprovalReply(Wire):
    """What waits behind a gate, or how it was decided."""

    id: ApprovalId
    kind: ApprovalKind
    status: ApprovalStatus
    tool: str
    reason: str
    decision: Decision
    caller_kind: ActorKind
    caller_label: str
    run_id: RunId | None
    arguments: dict[str, Any]
    args_hash: str
    edited_hash: str | None
    policy_id: PolicyId | None
    reviewer: UserId | None = Field(validation_alias="reviewer_id")
    comment: str | None
    edited_output: Any
    result: Any
    created_at: Timestamp
    decided_at: Timestamp | None
    expires_at: Timestamp

    @computed_field
    def escalation_id(self) -> str:
        """The name under which the caller knows the gate."""
        return self.id.render("esc")


class HoldingPolicyReply(Wire):
    """The policy that holds a call, as it is now."""

    id: PolicyId
    name: str
    type: PolicyType
    mode: PolicyMode
    reason: str | None


class CallerRiskReply(Wire):
    """What the AI registry says of a caller."""

    system_id: SystemId
    name: str
    level: RiskLevel
    score: float


class _FactsReply(Wire):
    masked_fields: tuple[str, ...]
    policy: HoldingPolicyReply | None
    always_held: bool
    tool_risk: RiskLevel
    caller_risk: CallerRiskReply | None
    approval: ApprovalReply


class ReviewReply(_FactsReply):
    """Everything a reviewer needs of one gate; `alike` are the identical requests that wait as well."""

    args_schema: dict[str, Any] | None
    alike: tuple[ApprovalId, ...]


class ApprovalGroupReply(_FactsReply):
    """Identical requests that wait; `approval` is the one that waits longest."""

    key: str
    ids: tuple[ApprovalId, ...]
    callers: tuple[str, ...]
    waiting_since: Timestamp
    expires_at: Timestamp


class InboxReply(Wire):
    """What waits for a person, the first to expire first."""

    groups: tuple[ApprovalGroupReply, ...]
    waiting: int
    more: bool


class DecidedReply(Wire):
    """What became of one of several requests; an error where it was settled before."""

    approval_id: ApprovalId
    status: ApprovalStatus
    error: str | None


class DecidedManyReply(Wire):
    """What became of each."""

    decided: tuple[DecidedReply, ...]
    done: int


class AlertReply(Wire):
    """A budget alert and whether it fired this month."""

    threshold_percent: int
    channels: tuple[BudgetChannel, ...]
    triggered: bool


class BudgetReply(Wire):
    """Where spending stands."""

    monthly_cap: Dollars | None
    daily_cap: Dollars | None
    per_run_cap: Dollars | None
    monthly_spent: Dollars
    monthly_remaining: Dollars | None
    monthly_unknown: int
    daily_spent: Dollars
    alerts: tuple[AlertReply, ...]


class BudgetUpdated(Wire):
    """The caps after a change."""

    monthly_cap: Dollars | None
    daily_cap: Dollars | None
    per_run_cap: Dollars | None
    updated_at: Timestamp


class BrokenEntryReply(Wire):
    """Where a chain first fails."""

    sequence: int
    id: str | None
    reason: str


class GapReply(Wire):
    """An authorised check without an outcome."""

    check_id: str
    tool: str | None
    checked_at: Timestamp


class VerificationReply(Wire):
    """What walking the chain found."""

    valid: bool
    entries: int
    head_sequence: int
    head_hash: str
    first_invalid: BrokenEntryReply | None
    gaps: tuple[GapReply, ...]
    gaps_total: int


class EntryReply(Wire):
    """One piece of evidence."""

    id: EntryId
    sequence: int
    at: Timestamp
    event: EntryEvent
    caller_kind: ActorKind
    caller_id: str | None
    caller_label: str
    tool: str | None
    action_type: str | None
    args_hash: str | None
    edited_hash: str | None
    masked_fields: tuple[str, ...]
    scope: Any
    matched: tuple[dict[str, Any], ...]
    decision: str | None
    reason: str | None
    policy_id: str | None
    approval_id: str | None
    reviewer: str | None
    cost: Cost | None
    latency_ms: int | None
    provider_ref: str | None
    controls: tuple[str, ...]
    check_id: str | None
    outcome: str | None
    error: str | None
    run_id: str | None
    agent_id: str | None
    previous_hash: str
    hash: str


class JwkReply(Wire):
    """A public signing key."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    alg: Literal["EdDSA"]
    use: Literal["sig"]


class JwksReply(Wire):
    """Every public key that matters."""

    keys: tuple[JwkReply, ...]


class SigningKeyReply(Wire):
    """A signing key as its operator sees it."""

    kid: str
    created_at: Timestamp
    retired_at: Timestamp | None
