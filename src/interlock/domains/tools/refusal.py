"""The end of a held call that is never executed."""

from typing import Any

from pydantic import JsonValue
from sqlalchemy import Row

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.policies.views import PolicyId
from interlock.domains.tools import evidence
from interlock.domains.tools.events import ToolCallSettled
from interlock.domains.tools.execution import settled_values
from interlock.domains.tools.repository import ToolCalls
from interlock.domains.tools.states import CallState, ToolStatus
from interlock.domains.tools.views import ToolOutcome
from interlock.runtime.context import Ctx


async def refuse(ctx: Ctx, row: Row[Any], approval: Approval, reason: str, policy_id: PolicyId | None) -> bool:
    """End a held call without executing it; False when it was settled or taken for execution before."""
    await ledger.hold(ctx)  # before the row, as everybody who changes both: the other order could deadlock
    outcome = ToolOutcome(
        call_id=row.guid,
        tool=row.tool,
        status=ToolStatus.DENIED,
        reason=reason,
        policy_id=policy_id,
        escalation_id=row.escalation_id,
    )
    values = settled_values(outcome, None)
    if not await ToolCalls(ctx).settle(row.guid, CallState.HELD, CallState.DENIED, values):
        return False
    await evidence.record_refused(ctx, row, approval, reason, policy_id)
    if approval.status is ApprovalStatus.APPROVED:
        shown: dict[str, JsonValue] = {"ok": False, "status": ToolStatus.DENIED.value, "reason": reason}
        await approvals.attach_result(ctx, approval.id, shown)
        await approvals.destroy_payload(ctx, approval.id)
    await ctx.emit(ToolCallSettled(call_id=row.guid, run_id=row.run_id, status=ToolStatus.DENIED))
    return True
