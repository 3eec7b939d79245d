"""What other domains and faces see of checks."""

from enum import StrEnum
from typing import ClassVar

from interlock.domains.governance.approvals.views import ApprovalId
from interlock.domains.governance.known_tools import ToolFacts
from interlock.domains.governance.ledger.views import ATTESTATION_PREFIX, EntryId
from interlock.domains.governance.policies.views import Decision, PolicyId
from interlock.kit.ids import TypedId
from interlock.kit.operations import View

__all__ = ["CheckId", "CheckVerdict", "Outcome", "OutcomeReceipt", "ToolFacts"]


class CheckId(TypedId):
    """One question for a verdict."""

    prefix: ClassVar[str] = "chk"


class Outcome(StrEnum):
    """What became of an action after its check."""

    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"


class CheckVerdict(View):
    """The answer to a check; `approval_id` is set where a person was asked, whatever they said."""

    check_id: CheckId
    decision: Decision
    reason: str
    policy_id: PolicyId | None = None
    approval_id: ApprovalId | None = None

    @property
    def escalation_id(self) -> str | None:
        """The gate's name for the caller, while it is closed."""
        if self.approval_id is None or self.decision is not Decision.ESCALATED:
            return None
        return self.approval_id.render("esc")

    @property
    def attestation_jti(self) -> str:
        """The id that the attestation of this check's outcome will have."""
        return self.check_id.render(ATTESTATION_PREFIX)


class OutcomeReceipt(View):
    """Proof that an outcome is on record."""

    attestation: str
    attestation_kid: str
    attestation_jti: str
    audit_id: EntryId
    check_id: CheckId | None
    outcome: Outcome
