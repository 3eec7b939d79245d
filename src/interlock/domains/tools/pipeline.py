"""Stages two and three of a call, policy and approval: one unit of work that judges it and puts it on record."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from interlock.domains.accounts.service import clients
from interlock.domains.accounts.states import ClientStatus
from interlock.domains.accounts.views import McpClientId
from interlock.domains.connectors import service as connectors
from interlock.domains.connectors.views import Account
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.views import ApprovalKind
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import ReservationId, UsageKind
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import Attempt, Caller, Decision, ToolScope, Verdict
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.tools import evidence
from interlock.domains.tools.catalogue import ToolSpec, narrowed
from interlock.domains.tools.errors import CALL_IN_PROGRESS, key_reused, still_running
from interlock.domains.tools.repository import ToolCalls
from interlock.domains.tools.request import Admitted, Approved, Request
from interlock.domains.tools.states import CallState, ToolStatus
from interlock.domains.tools.views import ToolCallId, ToolOutcome
from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import TypedId
from interlock.kit.money import ZERO
from interlock.runtime.context import ActorKind, Ctx

BUDGET_EXHAUSTED = "budget_exhausted"
_SYSTEMS = {
    ActorKind.AGENT: SystemKind.AGENT,
    ActorKind.CLIENT: SystemKind.MCP_CLIENT,
    ActorKind.WORKFLOW: SystemKind.WORKFLOW,
}
_LEASE = timedelta(seconds=150)
_WAITING = "This call waits for a person's decision."
_EXECUTING = "This call was approved and is being executed."
_STARTED = datetime.now(UTC)
_POLL = timedelta(seconds=2)
_RACES = 3


class Running:
    """The calls this process is executing right now, so that a repeat waits instead of trying too."""

    def __init__(self) -> None:
        self.calls: dict[TypedId, asyncio.Future[ToolOutcome]] = {}


class _LostRace(Exception):  # noqa: N818 - control flow: undo this unit of work and look again
    """Somebody else put the same call on record first."""


def running_of(ctx: Ctx) -> Running:
    """The calls of this process."""
    return ctx.runtime.local(Running)


async def admit(ctx: Ctx, request: Request) -> Admitted | ToolOutcome:
    """Judge a call: an outcome where it ends here, else what to execute.

    A run that another server was executing when it died waits here until the dead server's lease is over.
    """
    waits = int(_LEASE / _POLL) if request.run_id is not None else 0
    for _ in range(waits):
        try:
            return await _admit(ctx, request)
        except InterlockError as error:
            if error.code != CALL_IN_PROGRESS:
                raise
        await asyncio.sleep(_POLL.total_seconds())
    return await _admit(ctx, request)


async def _admit(ctx: Ctx, request: Request) -> Admitted | ToolOutcome:
    for _ in range(_RACES):
        try:
            async with ctx.begin() as unit:
                answer = await _earlier(unit, request)
                if answer is None:
                    return await _judged(unit, request)
        except _LostRace:
            continue
        if not isinstance(answer, asyncio.Future):
            return answer
        return await asyncio.shield(answer)
    raise still_running()


async def _earlier(ctx: Ctx, request: Request) -> Admitted | ToolOutcome | asyncio.Future[ToolOutcome] | None:
    """What an earlier identical call says to this one; None when there was none."""
    calls = ToolCalls(ctx)
    if request.idempotency_key is None:
        row = await calls.awaiting(request.request_hash)
        if row is None or (row.settled_at is not None and not await calls.consume(row.guid)):
            return None
        return outcome_of(row)
    row = await calls.by_key(request.idempotency_key)
    if row is None:
        return None
    if row.request_hash != request.request_hash:
        raise key_reused()
    if row.state is not CallState.EXECUTING:
        return outcome_of(row)
    running = running_of(ctx).calls.get(row.guid)
    if running is not None:
        return running
    if row.escalation_id is not None:
        return outcome_of(row)
    return await take_over(ctx, row, request)


async def take_over(ctx: Ctx, row: Row[Any], request: Request, approval: Approved | None = None) -> Admitted:
    """Go on with a call that was executing when its server stopped: the same key, and no second judgement."""
    if row.leased_until > ctx.now and _may_be_alive(ctx, row):
        raise still_running()
    scope = await scope_of(ctx, request)
    verdict = await policies.judge(ctx, attempt_of(request, scope, approved=True))
    edited_hash = None if approval is None else approval.edited_hash
    if not await ToolCalls(ctx).take(row, lease_until(ctx), edited_hash):
        raise _LostRace
    return Admitted(
        call_id=row.guid,
        request=request,
        verdict=verdict,
        scope=scope,
        args_hash=row.args_hash,
        account=await account_of(ctx, request.spec),
        reservation_id=None,
        approval=approval,
        interrupted=not request.spec.is_repeatable(request.arguments),
    )


def _may_be_alive(ctx: Ctx, row: Row[Any]) -> bool:
    """Whether another process may be executing a call that this one is not."""
    # A call that this server's former self began has no other home any more.
    return bool(row.leased_by != ctx.runtime.server or row.leased_until - _LEASE >= _STARTED)


async def _judged(ctx: Ctx, request: Request) -> Admitted | ToolOutcome:
    scope = await scope_of(ctx, request)
    attempt = attempt_of(request, scope, approved=False)
    verdict = await policies.judge(ctx, replace(attempt, caller=await _assessed(ctx, request.caller)))
    if verdict.decision is Decision.ESCALATED:
        return await _hold(ctx, request, verdict, scope)
    reservation_id = None
    if verdict.decision is Decision.AUTHORIZED:
        verdict, reservation_id = await set_aside(ctx, request, verdict)
    call_id, args_hash = ToolCallId.new(), digest(verdict.recorded)
    if verdict.decision is Decision.DENIED:
        values = {"reason": verdict.reason, "policy_id": verdict.policy_id, "settled_at": ctx.now}
        await _put_on_record(ctx, request, verdict, call_id, args_hash, CallState.DENIED, values)
        await evidence.record(ctx, request, verdict, scope, args_hash)
        return ToolOutcome(
            call_id=call_id,
            tool=request.spec.name,
            status=ToolStatus.DENIED,
            reason=verdict.reason,
            policy_id=verdict.policy_id,
        )
    executing: dict[str, Any] = {"leased_until": lease_until(ctx), "leased_by": ctx.runtime.server, "attempt": 1}
    await _put_on_record(ctx, request, verdict, call_id, args_hash, CallState.EXECUTING, executing)
    account = await account_of(ctx, request.spec)
    return Admitted(call_id, request, verdict, scope, args_hash, account, reservation_id)


async def _assessed(ctx: Ctx, caller: Caller) -> Caller:
    """The caller with the risk that the AI registry has found; people and keys are no AI systems."""
    kind = _SYSTEMS.get(caller.kind)
    if kind is None or caller.id is None:
        return caller
    return replace(caller, risk=await registry.level_of_caller(ctx, kind, str(caller.id)))


async def _hold(ctx: Ctx, request: Request, verdict: Verdict, scope: ToolScope | None) -> ToolOutcome:
    """Have a person asked; the raw arguments lie sealed with the approval until the call is settled."""
    if request.idempotency_key is None:
        await (await ctx.session()).lock(f"tools:{request.request_hash}")
        same = await ToolCalls(ctx).awaiting(request.request_hash)
        if same is not None:
            raise _LostRace
    call_id, args_hash = ToolCallId.new(), digest(verdict.recorded)
    gate = approvals.OpenGate(
        kind=ApprovalKind.TOOL_CALL,
        tool=request.spec.name,
        reason=verdict.reason,
        subject=str(call_id),
        run_id=request.run_id,
        arguments_masked=verdict.recorded,
        payload=request.arguments,
        schema=request.spec.tool.input_schema,
        policy_id=verdict.policy_id,
        caller=request.caller,
    )
    approval = await approvals.open_gate(ctx, gate)
    escalation_id = approval.id.render("esc")
    values = {
        "reason": verdict.reason,
        "policy_id": verdict.policy_id,
        "escalation_id": escalation_id,
        "awaits_repeat": request.idempotency_key is None,
        "terms": terms_of(request),
    }
    await _put_on_record(ctx, request, verdict, call_id, args_hash, CallState.HELD, values)
    await evidence.record(ctx, request, verdict, scope, args_hash, approval_id=approval.id)
    return ToolOutcome(
        call_id=call_id,
        tool=request.spec.name,
        status=ToolStatus.ACTION_REQUIRED,
        reason=verdict.reason,
        policy_id=verdict.policy_id,
        escalation_id=escalation_id,
    )


async def _put_on_record(
    ctx: Ctx,
    request: Request,
    verdict: Verdict,
    call_id: ToolCallId,
    args_hash: str,
    state: CallState,
    values: Mapping[str, Any],
) -> None:
    row = {
        "guid": call_id,
        "tool": request.spec.name,
        "state": state,
        "caller_kind": request.caller.kind,
        "caller_id": None if request.caller.id is None else str(request.caller.id),
        "caller_label": request.caller.label[:200],
        "arguments": verdict.recorded,
        "args_hash": args_hash,
        "edited_hash": None,
        "request_hash": request.request_hash,
        "idempotency_key": request.idempotency_key,
        "terms": None,
        "attempt": 0,
        "leased_until": None,
        "leased_by": None,
        "awaits_repeat": False,
        "result": None,
        "reason": None,
        "policy_id": None,
        "escalation_id": None,
        "cost": ZERO,
        "latency_ms": None,
        "run_id": request.run_id,
        "agent_id": request.agent_id,
        "created_at": ctx.now,
        "settled_at": None,
        **values,
    }
    if not await ToolCalls(ctx).insert(row):
        raise _LostRace


async def set_aside(ctx: Ctx, request: Request, verdict: Verdict) -> tuple[Verdict, ReservationId | None]:
    """Reserve what the call may cost; a cap that forbids it turns the verdict into a denial."""
    if not request.estimated_cost and (request.run_cap is None or request.run_id is None):
        return verdict, None
    wanted = budgets.Reserve(
        amount=request.estimated_cost,
        kind=UsageKind.TOOL,
        run_id=request.run_id,
        agent_id=request.agent_id,
        run_cap=request.run_cap,
        tool=request.spec.name,
    )
    try:
        return verdict, (await budgets.reserve(ctx, wanted)).id
    except InterlockError as error:
        if error.kind is not Kind.BUDGET_EXCEEDED:
            raise
        return replace(verdict, decision=Decision.DENIED, reason=BUDGET_EXHAUSTED, policy_id=None), None


def lease_until(ctx: Ctx) -> datetime:
    """How long a call that begins now is taken to be in good hands."""
    return ctx.now + _LEASE


async def scope_of(ctx: Ctx, request: Request) -> ToolScope | None:
    """The scope in force for a call: an agent's own list, else the caller's."""
    if request.allowed_tools is not None:
        return narrowed(request.allowed_tools)
    return await scope_for(ctx, request.caller)


async def scope_for(ctx: Ctx, caller: Caller) -> ToolScope | None:
    """What a caller may use: a client's registration, nothing once it is cut off; keys and people are not narrowed."""
    if caller.kind is not ActorKind.CLIENT or caller.id is None:
        return None
    client = await clients.get_client(ctx, clients.ClientRef(client_id=McpClientId.of(caller.id)))
    if client.status is not ClientStatus.CONNECTED:
        return ToolScope(tools=())
    tools = None if client.tools is None else narrowed(client.tools).tools
    return ToolScope(tools, {name: tuple(globs) for name, globs in client.resources.items()})


async def account_of(ctx: Ctx, spec: ToolSpec) -> Account | None:
    """The connected account a tool acts on; None when there is none."""
    return None if spec.connector is None else await connectors.account(ctx, spec.connector)


def attempt_of(request: Request, scope: ToolScope | None, *, approved: bool) -> Attempt:
    """What the policies judge."""
    shown, concealed = request.spec.concealed(request.arguments)
    return Attempt(
        tool=request.spec.name,
        arguments=request.arguments,
        caller=request.caller,
        requires_approval=request.spec.tool.requires_approval,
        risk=request.spec.tool.risk,
        cost_estimate=request.estimated_cost,
        run_id=request.run_id,
        agent_id=request.agent_id,
        scope=scope,
        approved=approved,
        shown=shown,
        concealed=concealed,
    )


def terms_of(request: Request) -> dict[str, Any]:
    """What a later execution needs to know of this request, beside the sealed arguments."""
    return {
        "estimated_cost": str(request.estimated_cost),
        "run_cap": None if request.run_cap is None else str(request.run_cap),
        "allowed_tools": None if request.allowed_tools is None else list(request.allowed_tools),
    }


def outcome_of(row: Row[Any]) -> ToolOutcome:
    """What a repeat of a call on record is told."""
    if row.state is CallState.HELD:
        status, reason = ToolStatus.ACTION_REQUIRED, row.reason or _WAITING
    elif row.state is CallState.EXECUTING:
        status, reason = ToolStatus.ACTION_REQUIRED, _EXECUTING
    else:
        status, reason = ToolStatus(row.state.value), row.reason
    return ToolOutcome(
        call_id=row.guid,
        tool=row.tool,
        status=status,
        result=row.result,
        reason=reason,
        policy_id=row.policy_id,
        escalation_id=row.escalation_id,
        cost=row.cost,
        latency_ms=row.latency_ms,
    )
