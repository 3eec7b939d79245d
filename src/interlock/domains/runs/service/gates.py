"""What waits for a person on behalf of a run that has no use for the answer any more."""

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.tools import service as tools
from interlock.kit.ids import RunId
from interlock.kit.paging import MAXIMUM_LIMIT
from interlock.runtime.context import Ctx

CANCELLED = "The run was cancelled."
FAILED = "The run failed."


async def withdraw_gates(ctx: Ctx, run_id: RunId, reason: str) -> int:
    """Close what waits on behalf of a run, inside a unit of work; tells how many gates nobody had decided yet.

    Tool calls that were approved but have not begun are refused as well.
    """
    waiting = approvals.ListApprovals(status=ApprovalStatus.PENDING, run_id=run_id, limit=MAXIMUM_LIMIT)
    withdrawn = sum([await approvals.withdraw(ctx, gate.id) for gate in (await approvals.list_(ctx, waiting)).items])
    await tools.abandon_run(ctx, run_id, reason)
    return withdrawn
