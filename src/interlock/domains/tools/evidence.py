"""The fifth stage: one ledger entry for every outcome, from a failed validation to a finished call."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from interlock.domains.governance.approvals.views import Approval, ApprovalId
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryEvent
from interlock.domains.governance.policies.views import Caller, Decision, PolicyId, ToolScope, Verdict
from interlock.domains.tools.request import Request
from interlock.kit.errors import InterlockError
from interlock.kit.ids import AgentId, RunId
from interlock.runtime.context import Ctx

SUCCESS = "success"
ERROR = "error"
_LONGEST_ERROR = 2_000
_LONGEST_REFERENCE = 512


async def record(
    ctx: Ctx,
    request: Request,
    verdict: Verdict,
    scope: ToolScope | None,
    args_hash: str,
    *,
    decision: Decision | None = None,
    approval_id: ApprovalId | None = None,
    reviewer: str | None = None,
    edited_hash: str | None = None,
    outcome: str | None = None,
    reason: str | None = None,
    error: str | None = None,
    cost: Decimal | None = None,
    latency_ms: int | None = None,
    provider_ref: str | None = None,
    late: bool = False,
) -> None:
    """Put a judged call on record, with a copy of the scope in force.

    Args:
        late: the call had been settled as something else before this outcome was known.
    """
    caller = request.caller
    entry = ledger.NewEntry(
        event=EntryEvent.TOOL_CALL,
        caller_kind=caller.kind,
        caller_id=caller.id,
        caller_label=caller.label,
        tool=request.spec.name,
        args_hash=args_hash,
        edited_hash=edited_hash,
        masked_fields=verdict.masked_fields,
        scope=None if scope is None else scope.as_json(),
        matched=[match.as_json() for match in verdict.matched],
        decision=(decision or verdict.decision).value,
        reason=reason or verdict.reason or None,
        policy_id=verdict.policy_id,
        approval_id=approval_id,
        reviewer=reviewer,
        cost=cost,
        latency_ms=latency_ms,
        provider_ref=None if provider_ref is None else provider_ref[:_LONGEST_REFERENCE],
        controls=verdict.controls,
        outcome=outcome,
        error=None if error is None else error[:_LONGEST_ERROR],
        run_id=request.run_id,
        agent_id=request.agent_id,
        extra={"late": True} if late else None,
    )
    await ledger.note(ctx, entry)


async def record_refused(ctx: Ctx, row: Row[Any], approval: Approval, reason: str, policy_id: PolicyId | None) -> None:
    """Put the end of a held call on record that was never executed."""
    reviewer = None if approval.reviewer_id is None else str(approval.reviewer_id)
    end = {"reason": reason, "policy_id": policy_id, "approval_id": approval.id, "reviewer": reviewer}
    await ledger.note(ctx, _entry_of(row, Decision.DENIED, **end))


async def record_interrupted(ctx: Ctx, row: Row[Any], reason: str) -> None:
    """Put a call on record whose end nobody knows."""
    end = {"edited_hash": row.edited_hash, "outcome": ERROR, "error": reason}
    await ledger.note(ctx, _entry_of(row, Decision.AUTHORIZED, **end))


def _entry_of(row: Row[Any], decision: Decision, **end: Any) -> ledger.NewEntry:
    """What the evidence of a call on record has in common, however it ended."""
    return ledger.NewEntry(
        event=EntryEvent.TOOL_CALL,
        caller_kind=row.caller_kind,
        caller_id=row.caller_id,
        caller_label=row.caller_label,
        tool=row.tool,
        args_hash=row.args_hash,
        decision=decision.value,
        run_id=row.run_id,
        agent_id=row.agent_id,
        **end,
    )


async def record_invalid(
    ctx: Ctx,
    caller: Caller,
    tool: str,
    arguments: dict[str, Any],
    error: InterlockError,
    run_id: RunId | None,
    agent_id: AgentId | None,
) -> None:
    """Put a call on record that failed validation; of its arguments only the hash and the names of wrong fields."""
    fields = [problem["field"] for problem in error.data.get("problems", ())]
    entry = ledger.NewEntry(
        event=EntryEvent.TOOL_CALL,
        caller_kind=caller.kind,
        caller_id=caller.id,
        caller_label=caller.label,
        tool=tool[:200],
        args_hash=ctx.runtime.secrets.keyed_digest(arguments),  # nothing was masked yet
        decision=Decision.DENIED.value,
        reason=error.code,
        outcome=ERROR,
        run_id=run_id,
        agent_id=agent_id,
        extra={"fields": fields} if fields else None,
    )
    await ledger.note(ctx, entry)
