"""Settling a gate: exactly once, with its evidence and its news in the same unit of work."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement

from interlock.domains.governance.approvals.errors import already_settled
from interlock.domains.governance.approvals.events import ApprovalDecided
from interlock.domains.governance.approvals.models import approvals as table
from interlock.domains.governance.approvals.repository import Approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalId, ApprovalKind
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryEvent, NewEntry
from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx


async def settle(
    ctx: Ctx, approval_id: ApprovalId, status: ApprovalStatus, values: dict[str, Any], *, overdue: bool = False
) -> Approval:
    """Move a pending gate to its final state by compare-and-set; the loser of a race gets a conflict.

    Args:
        values: further columns.
        overdue: whether the gate's time must have run out (for expiry) or must not have.
    """
    await ledger.hold(ctx)  # before the row, as everybody who changes both: the other order could deadlock
    now = ctx.now
    condition = table.c.expires_at <= now if overdue else table.c.expires_at > now
    where: tuple[ColumnElement[bool], ...] = (table.c.status == ApprovalStatus.PENDING, condition)
    if status is not ApprovalStatus.APPROVED:
        values = {**values, "sealed_payload": None}
    approvals = Approvals(ctx)
    try:
        approval = await approvals.change(
            approval_id, {**values, "status": status, "decided_at": _decided_at(ctx, overdue)}, where=where
        )
    except InterlockError as error:
        if error.kind is Kind.CONFLICT:
            raise already_settled(approval_id, (await approvals.get(approval_id)).status) from error
        raise
    await _put_on_record(ctx, approval)
    await ctx.emit(
        ApprovalDecided(
            approval_id=approval.id,
            kind=approval.kind,
            subject=approval.subject,
            run_id=approval.run_id,
            status=approval.status,
            edited=approval.edited_hash is not None,
        )
    )
    return approval


async def expire(ctx: Ctx, approval_id: ApprovalId) -> bool:
    """Settle a gate whose time has run out; False when it was settled before, or has time left."""
    try:
        await settle(ctx, approval_id, ApprovalStatus.EXPIRED, {}, overdue=True)
    except InterlockError as error:
        if error.kind in {Kind.CONFLICT, Kind.NOT_FOUND}:
            return False
        raise
    return True


def _decided_at(ctx: Ctx, overdue: bool) -> datetime | ColumnElement[datetime]:
    return table.c.expires_at if overdue else ctx.now


async def _put_on_record(ctx: Ctx, approval: Approval) -> None:
    await ledger.record(
        ctx,
        NewEntry(
            event=EntryEvent.APPROVAL,
            caller_kind=ctx.actor.kind,
            caller_id=ctx.actor.id,
            caller_label=ctx.actor.label,
            tool=approval.tool,
            args_hash=digest(approval.arguments),
            edited_hash=approval.edited_hash,
            decision=approval.decision.value,
            reason=approval.reason_code or approval.status.value,
            policy_id=approval.policy_id,
            approval_id=approval.id,
            reviewer=None if approval.reviewer_id is None else str(approval.reviewer_id),
            check_id=approval.subject if approval.kind is ApprovalKind.CHECK else None,
            run_id=approval.run_id,
            extra={
                "status": approval.status.value,
                "subject": approval.subject,
                "reviewer_label": approval.reviewer_label,
                "comment": approval.comment,
            },
        ),
    )
