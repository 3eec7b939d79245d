"""The life of an approval."""

from enum import StrEnum

from interlock.kit.states import Lifecycle


class ApprovalStatus(StrEnum):
    """A gate waits, is decided once, runs out of time (which means denied), or loses the run it waited for."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


LIFECYCLE = Lifecycle(
    "approval",
    {
        ApprovalStatus.PENDING: frozenset(
            {ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED, ApprovalStatus.WITHDRAWN}
        ),
        ApprovalStatus.APPROVED: frozenset(),
        ApprovalStatus.REJECTED: frozenset(),
        ApprovalStatus.EXPIRED: frozenset(),
        ApprovalStatus.WITHDRAWN: frozenset(),
    },
)
