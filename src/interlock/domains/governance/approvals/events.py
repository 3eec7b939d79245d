"""News of the approvals."""

from datetime import datetime
from typing import ClassVar

from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import ApprovalId, ApprovalKind
from interlock.kit.ids import RunId
from interlock.runtime.context import ActorKind
from interlock.runtime.events import Event


class ApprovalRequested(Event):
    """Something waits for a person."""

    name: ClassVar[str] = "governance.approval_requested"

    approval_id: ApprovalId
    kind: ApprovalKind
    subject: str
    run_id: RunId | None
    tool: str
    reason: str
    caller: str
    caller_kind: ActorKind
    expires_at: datetime


class ApprovalDecided(Event):
    """A gate is settled: by a person, by the clock (expired), or by the end of what waited (withdrawn)."""

    name: ClassVar[str] = "governance.approval_decided"

    approval_id: ApprovalId
    kind: ApprovalKind
    subject: str
    run_id: RunId | None
    status: ApprovalStatus
    edited: bool
