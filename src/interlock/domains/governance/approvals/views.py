"""What other domains and faces see of an approval."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.policies.views import Decision, PlainId, PolicyId
from interlock.kit.ids import RunId, TypedId
from interlock.kit.operations import View
from interlock.runtime.context import ActorKind, UserId


class ApprovalId(TypedId):
    """An approval's identity; `render("esc")` is the name its caller got."""

    prefix: ClassVar[str] = "appr"
    aliases: ClassVar[tuple[str, ...]] = ("esc",)


class ApprovalKind(StrEnum):
    """What waits behind the gate."""

    TOOL_CALL = "tool_call"
    CHECK = "check"
    WORKFLOW_GATE = "workflow_gate"


class Approval(View):
    """A gate: who wants what and why, and what a person said.

    `arguments` are in the form evidence may see. `edited_output` is what the reviewer put in the place of the thing
    under review; that of a tool call is gone once the call has settled, its hash stays.
    """

    id: ApprovalId
    number: int
    kind: ApprovalKind
    status: ApprovalStatus
    tool: str
    reason: str
    caller_kind: ActorKind
    caller_id: PlainId | None
    caller_label: str
    subject: str
    run_id: RunId | None
    arguments: dict[str, Any]
    args_hash: str
    edited_hash: str | None
    policy_id: PolicyId | None
    reviewer_id: UserId | None
    reviewer_label: str | None
    comment: str | None
    reason_code: str | None
    edited_output: Any = None
    result: Any = None
    created_at: datetime
    decided_at: datetime | None
    expires_at: datetime

    @property
    def decision(self) -> Decision:
        """What it means for the call that waits."""
        if self.status is ApprovalStatus.PENDING:
            return Decision.ESCALATED
        return Decision.AUTHORIZED if self.status is ApprovalStatus.APPROVED else Decision.DENIED
