"""Answering a check: policies, a one-time approval, set-aside money, a gate, and one ledger entry."""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalKind
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import ReservationId, UsageKind
from interlock.domains.governance.checks import repository
from interlock.domains.governance.checks.command import CheckAction
from interlock.domains.governance.checks.errors import key_reused
from interlock.domains.governance.checks.views import CheckId, CheckVerdict
from interlock.domains.governance.known_tools import known_tools
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.governance.ledger.views import EntryEvent, NewEntry
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import (
    BUDGET_EXHAUSTED,
    Attempt,
    Caller,
    Decision,
    ToolScope,
    Verdict,
)
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId
from interlock.runtime.context import Ctx, WorkspaceId


@dataclass(frozen=True, slots=True)
class _Answer:
    """A verdict with what it rests on."""

    verdict: Verdict
    approval: Approval | None = None
    reservation_id: ReservationId | None = None


@lru_cache(maxsize=4096)
def agent_key(workspace_id: WorkspaceId, label: str) -> AgentId:
    """An id for a caller's free agent label, so that its spending can be counted and capped like an agent's."""
    return AgentId(bytes=hashlib.sha256(f"agent-label:{workspace_id.hex}:{label}".encode()).digest()[:16])


async def answer_new(ctx: Ctx, command: CheckAction, check_id: CheckId, scope: ToolScope | None) -> CheckVerdict:
    """Answer a check that was not asked before under its key."""
    answer = await _judged(ctx, command, check_id, scope)
    verdict, approval = answer.verdict, answer.approval
    told = CheckVerdict(
        check_id=check_id,
        decision=verdict.decision,
        reason=verdict.reason,
        policy_id=verdict.policy_id,
        approval_id=None if approval is None else approval.id,
    )
    if command.idempotency_key is not None:
        await repository.decide(ctx, told, answer.reservation_id)
    elif answer.reservation_id is not None or verdict.decision is Decision.ESCALATED:
        columns = repository.columns_of(told, answer.reservation_id)
        await repository.add(ctx, {**claim(ctx, command, check_id), **columns})
    reviewer = None if approval is None else approval.reviewer_id
    await ledger.note(
        ctx,
        NewEntry(
            event=EntryEvent.CHECK,
            caller_kind=ctx.actor.kind,
            caller_id=ctx.actor.id,
            caller_label=command.agent_id,
            tool=command.tool,
            action_type=command.action_type,
            args_hash=digest(verdict.recorded),
            masked_fields=verdict.masked_fields,
            scope=None if scope is None else scope.as_json(),
            matched=[match.as_json() for match in verdict.matched],
            decision=verdict.decision.value,
            reason=verdict.reason,
            policy_id=verdict.policy_id,
            approval_id=None if approval is None else approval.id,
            reviewer=None if reviewer is None else str(reviewer),
            controls=verdict.controls,
            check_id=check_id,
            extra=_extra(command),
        ),
    )
    return told


async def answer_again(ctx: Ctx, command: CheckAction) -> CheckVerdict:
    """Answer a check whose key was used before: the stored verdict, or what a person has said since."""
    key = command.idempotency_key or ""
    row = await repository.by_key(ctx, key)
    if row.payload_hash != ctx.runtime.secrets.keyed_digest(command.payload()):
        raise key_reused(key)
    told = CheckVerdict(
        check_id=row.guid,
        decision=row.decision,
        reason=row.reason,
        policy_id=row.policy_id,
        approval_id=row.approval_id,
    )
    if told.approval_id is None or told.decision is not Decision.ESCALATED:
        return told
    approval = await approvals.get(ctx, approvals.ApprovalRef(approval_id=told.approval_id))
    if approval.decision is Decision.ESCALATED:
        return told
    if approval.decision is Decision.DENIED:
        return told.model_copy(update={"decision": Decision.DENIED, "reason": _refusal(approval)})
    if row.cost_estimate and row.reservation_id is None:
        await ledger.hold(ctx)
        current = await repository.find(ctx, row.guid)
        if current is None or current.reservation_id is None:
            reservation_id = await _set_aside(ctx, command)
            if reservation_id is None:
                return told.model_copy(
                    update={"decision": Decision.DENIED, "reason": BUDGET_EXHAUSTED, "policy_id": None}
                )
            await repository.keep_reservation(ctx, row.guid, reservation_id)
    return told.model_copy(update={"decision": Decision.AUTHORIZED, "reason": _consent(approval)})


def claim(ctx: Ctx, command: CheckAction, check_id: CheckId) -> dict[str, object]:
    """The row of a check before its verdict."""
    return {
        "guid": check_id,
        "idempotency_key": command.idempotency_key,
        "payload_hash": ctx.runtime.secrets.keyed_digest(command.payload()),
        "decision": None,
        "reason": None,
        "policy_id": None,
        "approval_id": None,
        "reservation_id": None,
        "cost_estimate": command.cost_estimate,
    }


async def _judged(ctx: Ctx, command: CheckAction, check_id: CheckId, scope: ToolScope | None) -> _Answer:
    attempt = await _attempt(ctx, command, scope)
    verdict = await policies.judge(ctx, attempt)
    if verdict.decision is Decision.ESCALATED:
        return await _with_a_person(ctx, command, check_id, attempt, verdict)
    return await _with_money(ctx, command, _Answer(verdict))


async def _with_a_person(
    ctx: Ctx, command: CheckAction, check_id: CheckId, attempt: Attempt, verdict: Verdict
) -> _Answer:
    """Use up an approval that waits for exactly this call, or have a person asked.

    Only calls without idempotency key share gates: they cannot name the check they repeat.
    """
    args_hash = ctx.runtime.secrets.keyed_digest(command.args)
    same = {"tool": command.tool, "caller_label": command.agent_id, "args_hash": args_hash}
    gate: Approval | None = None
    if command.idempotency_key is None:
        # Two of them at the same time must not open two gates, nor meet a decision with the locks the other way round.
        await ledger.hold(ctx)
        given = await approvals.waiting_for_same_call(ctx, **same, status=ApprovalStatus.APPROVED)
        if given is not None:
            second = await policies.judge(ctx, replace(attempt, approved=True))
            answer = await _with_money(ctx, command, _Answer(second, given))
            if answer.verdict.decision is not Decision.AUTHORIZED:
                return replace(answer, approval=None)
            if await approvals.consume(ctx, given.id):
                return replace(answer, verdict=replace(second, reason=_consent(given)))
            if answer.reservation_id is not None:
                await budgets.release(ctx, answer.reservation_id)
        gate = await approvals.waiting_for_same_call(ctx, **same, status=ApprovalStatus.PENDING)
    if gate is None:
        gate = await approvals.open_gate(
            ctx,
            approvals.OpenGate(
                kind=ApprovalKind.CHECK,
                tool=command.tool,
                reason=verdict.reason,
                subject=str(check_id),
                arguments_masked=verdict.recorded,
                policy_id=verdict.policy_id,
                args_hash=args_hash,
                caller=attempt.caller,
                one_time=command.idempotency_key is None,
            ),
        )
    return _Answer(verdict, gate)


async def _with_money(ctx: Ctx, command: CheckAction, answer: _Answer) -> _Answer:
    """Set the estimate of an authorized call aside; a cap that forbids it turns the verdict."""
    if answer.verdict.decision is not Decision.AUTHORIZED or not command.cost_estimate:
        return answer
    reservation_id = await _set_aside(ctx, command)
    if reservation_id is None:
        refused = replace(answer.verdict, decision=Decision.DENIED, reason=BUDGET_EXHAUSTED, policy_id=None)
        return replace(answer, verdict=refused)
    return replace(answer, reservation_id=reservation_id)


async def _set_aside(ctx: Ctx, command: CheckAction) -> ReservationId | None:
    """Reserve the estimate; None when a cap forbids it."""
    wanted = budgets.Reserve(
        amount=command.cost_estimate,
        kind=UsageKind.CHECK,
        agent_id=agent_key(ctx.workspace_id, command.agent_id),
        tool=command.tool,
    )
    try:
        return (await budgets.reserve(ctx, wanted)).id
    except InterlockError as error:
        if error.kind is not Kind.BUDGET_EXCEEDED:
            raise
        return None


async def _attempt(ctx: Ctx, command: CheckAction, scope: ToolScope | None) -> Attempt:
    risk = await registry.level_of_caller(ctx, SystemKind.AGENT, command.agent_id)
    facts = known_tools(ctx.runtime).facts(command.tool, ctx.workspace_id)
    return Attempt(
        tool=command.tool,
        arguments=command.args,
        caller=Caller(ctx.actor.kind, ctx.actor.id, command.agent_id, risk),
        requires_approval=facts.requires_approval,
        risk=facts.risk,
        cost_estimate=command.cost_estimate,
        agent_id=agent_key(ctx.workspace_id, command.agent_id),
        scope=scope,
    )


def _extra(command: CheckAction) -> dict[str, object] | None:
    """What the caller said of model and money, where it said anything."""
    told: dict[str, object] = {}
    if command.model:
        told["model"] = command.model
    if command.tokens:
        told["tokens"] = command.tokens
    if command.cost_estimate:
        told["cost_estimate"] = command.cost_estimate
    return told or None


def _consent(approval: Approval) -> str:
    by = f" by {approval.reviewer_label}" if approval.reviewer_label else ""
    return f"Approved{by}."


def _refusal(approval: Approval) -> str:
    if approval.status is ApprovalStatus.REJECTED:
        by = f" by {approval.reviewer_label}" if approval.reviewer_label else ""
        return f"Rejected{by}: {approval.comment}" if approval.comment else f"Rejected{by}."
    if approval.status is ApprovalStatus.EXPIRED:
        return "Nobody agreed in time."
    return "The request for approval was withdrawn."
