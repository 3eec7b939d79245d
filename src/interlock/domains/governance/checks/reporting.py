"""Recording what became of a checked action, with a signed proof."""

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.views import ApprovalId
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import ReservationId, UsageKind
from interlock.domains.governance.checks import repository
from interlock.domains.governance.checks.asking import agent_key
from interlock.domains.governance.checks.command import RecordOutcome
from interlock.domains.governance.checks.errors import already_reported, never_allowed, other_tool
from interlock.domains.governance.checks.views import CheckId, Outcome, OutcomeReceipt
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import PROVISIONAL, EntryEvent, LedgerEntry, NewEntry
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import Caller, Decision
from interlock.kit.errors import not_found
from interlock.runtime.context import Ctx


async def report_alone(ctx: Ctx, command: RecordOutcome) -> OutcomeReceipt:
    """Put an outcome on record that belongs to no check."""
    entry = await _record(ctx, command, None, None)
    if command.cost_usd:
        await _settle(ctx, command, None, f"outcome:{entry.id}")
    return await _receipt(ctx, command, entry)


async def report(ctx: Ctx, command: RecordOutcome, check_id: CheckId) -> OutcomeReceipt:
    """Put a check's outcome on record, once.

    Clients report `cancelled` straight after an escalation. That outcome is provisional: the gate stays open, and what
    happens after the decision may still be told.
    """
    await ledger.hold(ctx)
    check = await ledger.find_check(ctx, check_id)
    if check is None:
        raise not_found("check", check_id)
    if check.tool != command.tool:
        raise other_tool(check.tool)
    decision, approval_id = await _decision_now(ctx, check)
    earlier = await ledger.find_outcome(ctx, check_id)
    if earlier is not None:
        provisional = bool((earlier.extra or {}).get(PROVISIONAL))
        if not provisional or decision is Decision.ESCALATED:
            if earlier.outcome == command.outcome.value:
                return await _receipt(ctx, command, earlier)
            if not provisional:
                raise already_reported(check_id, earlier.outcome)
    if command.outcome is Outcome.SUCCESS and decision is not Decision.AUTHORIZED:
        raise never_allowed(check_id, decision)
    entry = await _record(ctx, command, check_id, decision)
    row = await repository.find(ctx, check_id)
    reservation_id: ReservationId | None = None if row is None else row.reservation_id
    if command.cost_usd or (reservation_id is not None and command.outcome is not Outcome.CANCELLED):
        await _settle(ctx, command, reservation_id, f"check:{check_id}:{entry.id}")
    elif reservation_id is not None:
        await budgets.release(ctx, reservation_id)
    if approval_id is not None and decision is Decision.AUTHORIZED and command.outcome is not Outcome.CANCELLED:
        # The caller acted on the approval without asking again, so it must not allow a second action.
        await approvals.consume(ctx, approval_id)
    return await _receipt(ctx, command, entry)


async def _decision_now(ctx: Ctx, check: LedgerEntry) -> tuple[Decision, ApprovalId | None]:
    """The check's verdict, and where a person was asked, what they have said since."""
    decision = Decision(check.decision or Decision.DENIED)
    if decision is not Decision.ESCALATED or check.approval_id is None:
        return decision, None
    approval_id = ApprovalId.parse(check.approval_id)
    approval = await approvals.get(ctx, approvals.ApprovalRef(approval_id=approval_id))
    return approval.decision, approval_id


async def _record(ctx: Ctx, command: RecordOutcome, check_id: CheckId | None, decision: Decision | None) -> LedgerEntry:
    caller = Caller(ctx.actor.kind, ctx.actor.id, command.agent_id)
    error = await policies.mask_text(ctx, command.tool, caller, command.error) if command.error else None
    return await ledger.record(
        ctx,
        NewEntry(
            event=EntryEvent.OUTCOME,
            caller_kind=ctx.actor.kind,
            caller_id=ctx.actor.id,
            caller_label=command.agent_id,
            tool=command.tool,
            action_type=command.action_type,
            decision=None if decision is None else decision.value,
            check_id=check_id,
            outcome=command.outcome.value,
            cost=command.cost_usd,
            latency_ms=command.latency_ms,
            provider_ref=command.provider_ref or None,
            error=error,
            extra={PROVISIONAL: True} if decision is Decision.ESCALATED else None,
        ),
    )


async def _settle(ctx: Ctx, command: RecordOutcome, reservation_id: ReservationId | None, reference: str) -> None:
    await budgets.settle(
        ctx,
        budgets.Settle(
            kind=UsageKind.CHECK,
            cost=command.cost_usd,
            reference=reference,
            reservation_id=reservation_id,
            agent_id=agent_key(ctx.workspace_id, command.agent_id),
            agent_name=command.agent_id,
            tool=command.tool,
        ),
    )


async def _receipt(ctx: Ctx, command: RecordOutcome, entry: LedgerEntry) -> OutcomeReceipt:
    attestation = await ledger.attest(ctx, entry)
    return OutcomeReceipt(
        attestation=attestation.jwt,
        attestation_kid=attestation.kid,
        attestation_jti=attestation.jti,
        audit_id=entry.id,
        check_id=command.check_id,
        outcome=command.outcome,
    )
