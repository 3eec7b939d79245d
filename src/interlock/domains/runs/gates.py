"""What waits for a person on behalf of a run that has no use for the answer any more."""

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.kit.ids import RunId
from interlock.kit.paging import MAXIMUM_LIMIT
from interlock.runtime.context import Ctx


async def withdraw_gates(ctx: Ctx, run_id: RunId) -> int:
    """Close every gate of a run that nobody has decided yet, inside a unit of work; tells how many there were."""
    waiting = approvals.ListApprovals(status=ApprovalStatus.PENDING, run_id=run_id, limit=MAXIMUM_LIMIT)
    return sum([await approvals.withdraw(ctx, gate.id) for gate in (await approvals.list_(ctx, waiting)).items])
