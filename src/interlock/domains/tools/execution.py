"""Stages four and five of a call: the adapter, outside any unit of work, then one unit with evidence and outcome."""

import asyncio
import math
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.views import ApprovalId
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import SpentBy, UsageKind
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.policies.views import Decision
from interlock.domains.tools import evidence
from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult
from interlock.domains.tools.errors import still_running
from interlock.domains.tools.events import ToolCallSettled
from interlock.domains.tools.pipeline import running_of
from interlock.domains.tools.repository import ToolCalls
from interlock.domains.tools.request import Admitted
from interlock.domains.tools.states import CallState, ToolStatus
from interlock.domains.tools.views import ToolOutcome
from interlock.kit.errors import InterlockError
from interlock.kit.ids import RunId
from interlock.kit.money import MAXIMUM, ZERO
from interlock.runtime.context import Ctx

log = structlog.get_logger(__name__)

INTERRUPTED = "The server stopped while the provider was being called; it is not known whether it was done."
_LATE = "This outcome became known after the call had been closed; the call keeps the end it was given then."
_UNEXPECTED = "The tool failed for a reason that only the server's log knows."
_NOT_CONNECTED = "{} is not connected. Connect the account, then call again."
_COST_KEY = "_cost_usd"


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the adapter ended: with a result, or with the reason why not."""

    result: dict[str, Any] | None
    reason: str | None
    provider_ref: str | None
    latency_ms: int
    cost: Decimal


async def execute(ctx: Ctx, admitted: Admitted) -> ToolOutcome:
    """Run the adapter once, and put what became of it on record."""
    calls = running_of(ctx).calls
    finished: asyncio.Future[ToolOutcome] = asyncio.get_running_loop().create_future()
    calls[admitted.call_id] = finished
    try:
        ending = await _act(ctx, admitted)
        async with ctx.begin() as unit:
            outcome = await _conclude(unit, admitted, ending)
        finished.set_result(outcome)
        return outcome
    finally:
        del calls[admitted.call_id]
        if not finished.done():
            finished.set_exception(still_running())
            finished.exception()  # seen: nobody may be waiting


async def _act(ctx: Ctx, admitted: Admitted) -> _Ending:
    started = time.perf_counter()
    result: AdapterResult | None = None
    try:
        if admitted.verdict.decision is Decision.DENIED:
            reason: str | None = admitted.verdict.reason
        elif admitted.interrupted:
            reason = INTERRUPTED
        elif admitted.request.spec.connector is not None and admitted.account is None:
            reason = _NOT_CONNECTED.format(admitted.request.spec.connector.value)
        else:
            call = AdapterCall(ctx.runtime.http, admitted.verdict.arguments, admitted.provider_key, admitted.account)
            result, reason = await admitted.request.spec.adapter(call), None
    except InterlockError as error:
        reason = error.message
    except Exception:
        log.exception("adapter failed", tool=admitted.request.spec.name, call_id=str(admitted.call_id))
        reason = _UNEXPECTED
    latency_ms = round((time.perf_counter() - started) * 1000)
    if result is None:
        return _Ending(None, reason, None, latency_ms, ZERO)
    return _Ending(result.result, None, result.provider_ref, latency_ms, cost_of(result.result))


def cost_of(result: dict[str, Any]) -> Decimal:
    """The cost an adapter reports in its result; what is no amount of money counts as none."""
    given = result.get(_COST_KEY, 0)
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return ZERO
    cost = Decimal(str(given))
    return cost if ZERO <= cost <= MAXIMUM else ZERO


async def _conclude(ctx: Ctx, admitted: Admitted, ending: _Ending) -> ToolOutcome:
    done = ending.result is not None
    request, approval = admitted.request, admitted.approval
    edited_hash = None if approval is None else approval.edited_hash
    outcome = ToolOutcome(
        call_id=admitted.call_id,
        tool=request.spec.name,
        status=ToolStatus.DONE if done else ToolStatus.FAILED,
        result=ending.result,
        reason=ending.reason,
        escalation_id=None if approval is None else approval.approval_id.render("esc"),
        cost=ending.cost,
        latency_ms=ending.latency_ms,
    )
    await ledger.hold(ctx)  # before the row, as everybody who changes both: the other order could deadlock
    await _settle_money(ctx, admitted, ending.cost)
    state = CallState.DONE if done else CallState.FAILED
    values = settled_values(outcome, edited_hash)
    in_time = await ToolCalls(ctx).settle(admitted.call_id, CallState.EXECUTING, state, values)
    await evidence.record(
        ctx,
        request,
        admitted.verdict,
        admitted.scope,
        admitted.args_hash,
        decision=Decision.AUTHORIZED,
        approval_id=None if approval is None else approval.approval_id,
        reviewer=None if approval is None else approval.reviewer,
        edited_hash=edited_hash,
        outcome=evidence.SUCCESS if done else evidence.ERROR,
        reason=None if in_time else _LATE,
        error=ending.reason,
        cost=ending.cost,
        latency_ms=ending.latency_ms,
        provider_ref=ending.provider_ref,
        late=not in_time,
    )
    if approval is not None and in_time:
        await release_gate(ctx, approval.approval_id, outcome, request.run_id)
    return outcome


def settled_values(outcome: ToolOutcome, edited_hash: str | None) -> dict[str, Any]:
    """The columns in which an outcome is kept."""
    return {
        "b_result": outcome.result,
        "b_reason": outcome.reason,
        "b_policy": outcome.policy_id,
        "b_cost": outcome.cost,
        "b_latency": outcome.latency_ms,
        "b_edited": edited_hash,
    }


async def release_gate(ctx: Ctx, approval_id: ApprovalId, outcome: ToolOutcome, run_id: RunId | None) -> None:
    """Show whoever polls what became of the approved call, forget its raw arguments, and wake the run that waits."""
    shown = outcome.result
    if outcome.status is not ToolStatus.DONE:
        shown = {"ok": False, "status": outcome.status.value, "reason": outcome.reason}
    await approvals.attach_result(ctx, approval_id, shown)
    await approvals.destroy_payload(ctx, approval_id)
    await ctx.emit(ToolCallSettled(call_id=outcome.call_id, run_id=run_id, status=outcome.status))


async def _settle_money(ctx: Ctx, admitted: Admitted, cost: Decimal) -> None:
    """What it cost, instead of what was set aside for it; free calls leave no line in the money ledger."""
    if cost:
        caller = admitted.request.caller  # whoever carries out an approved call is not the one who asked for it
        spent = budgets.Settle(
            kind=UsageKind.TOOL,
            cost=cost,
            reference=f"tool:{admitted.call_id}",
            reservation_id=admitted.reservation_id,
            run_id=admitted.request.run_id,
            agent_id=admitted.request.agent_id,
            tool=admitted.request.spec.name,
            spent_by=SpentBy(kind=caller.kind, id=caller.id, label=caller.label),
        )
        await budgets.settle(ctx, spent)
    elif admitted.reservation_id is not None:
        await budgets.release(ctx, admitted.reservation_id)
