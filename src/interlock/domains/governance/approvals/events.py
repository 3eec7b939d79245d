"""News of the approvals."""

from datetime import datetime
from typing import ClassVar

from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import ApprovalId, ApprovalKind
from interlock.domains.governance.policies.views import PlainId
from interlock.runtime.events import Event


class ApprovalRequested(Event):
    """Something waits for a person."""

    name: ClassVar[str] = "governance.approval_requested"

    approval_id: ApprovalId
    kind: ApprovalKind
    subject: str
    run_id: PlainId | None
    tool: str
    reason: str
    caller: str
    expires_at: datetime


class ApprovalDecided(Event):
    """A gate is settled: by a person, by the clock (expired), or by the end of what waited (withdrawn)."""

    name: ClassVar[str] = "governance.approval_decided"

    approval_id: ApprovalId
    kind: ApprovalKind
    subject: str
    run_id: PlainId | None
    status: ApprovalStatus
    edited: bool
