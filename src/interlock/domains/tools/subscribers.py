"""What happens to a held call once its gate is decided: executed exactly once, or refused for good."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row

from interlock.domains.accounts.views import ApiKeyId, McpClientId
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.events import ApprovalDecided
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalKind
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import Caller, Decision
from interlock.domains.org import service as org
from interlock.domains.tools.builtin import catalogue_of
from interlock.domains.tools.catalogue import ToolSpec, problems_with
from interlock.domains.tools.errors import invalid_arguments, unknown_tool
from interlock.domains.tools.execution import execute
from interlock.domains.tools.pipeline import (
    account_of,
    attempt_of,
    lease_until,
    running_of,
    scope_of,
    set_aside,
    take_over,
)
from interlock.domains.tools.refusal import refuse
from interlock.domains.tools.repository import ToolCalls
from interlock.domains.tools.request import Admitted, Approved, Request
from interlock.domains.tools.states import CallState
from interlock.domains.tools.views import ToolCallId
from interlock.kit.canonical import digest
from interlock.kit.ids import AgentId, TypedId
from interlock.runtime.context import ActorKind, Ctx, UserId

_PAYLOAD_GONE = "The arguments of the held call are gone."


_CALLERS: Mapping[ActorKind, type[TypedId]] = MappingProxyType(
    {
        ActorKind.CLIENT: McpClientId,
        ActorKind.KEY: ApiKeyId,
        ActorKind.USER: UserId,
        ActorKind.AGENT: AgentId,
    }
)


async def on_approval_decided(ctx: Ctx, event: ApprovalDecided) -> None:
    """Execute the held call as it was stored, or refuse it; told twice, it happens once."""
    if event.kind is not ApprovalKind.TOOL_CALL:
        return
    call_id = ToolCallId.parse(event.subject)
    running = running_of(ctx).calls.get(call_id)
    if running is not None:
        await asyncio.shield(running)
        return
    async with ctx.begin() as unit:
        facts = await org.facts(unit, ctx.workspace_id)
        current = replace(unit, workspace_version=facts.rules_version, has_ai_access=facts.has_ai_access)
        admitted = await _decided(current, call_id, event)
    if admitted is not None:
        await execute(replace(current, unit=None), admitted)


async def _decided(ctx: Ctx, call_id: ToolCallId, event: ApprovalDecided) -> Admitted | None:
    """The call to execute; None when it was settled before, or is refused here."""
    row = await ToolCalls(ctx).row(call_id)
    if row is None or row.state not in {CallState.HELD, CallState.EXECUTING}:
        return None
    approval = await approvals.get(ctx, approvals.ApprovalRef(approval_id=event.approval_id))
    if approval.status is not ApprovalStatus.APPROVED:
        await refuse(ctx, row, approval, _why_not(approval), row.policy_id)
        return None
    spec = catalogue_of(ctx).find(row.tool)
    if spec is None:
        await refuse(ctx, row, approval, unknown_tool(row.tool).message, None)
        return None
    stored = await approvals.payload(ctx, approval.id)
    arguments = await approvals.call_to_make(ctx, approval)
    if not isinstance(arguments, dict):
        await refuse(ctx, row, approval, _PAYLOAD_GONE, None)
        return None
    if approval.edited_hash is not None and isinstance(stored, dict) and not problems_with(spec, arguments):
        arguments = spec.restored(arguments, stored)
    problems = problems_with(spec, arguments)
    if problems:
        await refuse(ctx, row, approval, invalid_arguments(spec.name, problems).message, None)
        return None
    return await _judged_again(ctx, row, approval, _request_of(row, spec, arguments))


async def _judged_again(ctx: Ctx, row: Row[Any], approval: Approval, request: Request) -> Admitted | None:
    """Scope, block policies and budget still have their say; gates that an approval answers do not fire again."""
    scope = await scope_of(ctx, request)
    verdict = await policies.judge(ctx, attempt_of(request, scope, approved=True))
    edited_hash = None if approval.edited_hash is None else digest(verdict.recorded)
    reviewer = None if approval.reviewer_id is None else str(approval.reviewer_id)
    approved = Approved(approval.id, reviewer, edited_hash)
    if row.state is CallState.EXECUTING:
        return await take_over(ctx, row, request, approved)
    reservation_id = None
    if verdict.decision is Decision.AUTHORIZED:
        verdict, reservation_id = await set_aside(ctx, request, verdict)
    if verdict.decision is not Decision.AUTHORIZED:
        await refuse(ctx, row, approval, verdict.reason, verdict.policy_id)
        return None
    if not await ToolCalls(ctx).take(row, lease_until(ctx), edited_hash):
        # Its run was cancelled meanwhile, or another delivery of this news was quicker.
        if reservation_id is not None:
            await budgets.release(ctx, reservation_id)
        return None
    account = await account_of(ctx, request.spec)
    return Admitted(row.guid, request, verdict, scope, row.args_hash, account, reservation_id, approved)


def _request_of(row: Row[Any], spec: ToolSpec, arguments: dict[str, Any]) -> Request:
    """The call as it was first asked, from what was kept of it."""
    terms = row.terms or {}
    allowed, run_cap = terms.get("allowed_tools"), terms.get("run_cap")
    identity = _CALLERS.get(row.caller_kind, TypedId)
    caller_id = None if row.caller_id is None else identity.parse(row.caller_id)
    return Request(
        spec=spec,
        arguments=arguments,
        caller=Caller(row.caller_kind, caller_id, row.caller_label),
        request_hash=row.request_hash,
        idempotency_key=row.idempotency_key,
        run_id=row.run_id,
        agent_id=row.agent_id,
        estimated_cost=Decimal(terms.get("estimated_cost", "0")),
        run_cap=None if run_cap is None else Decimal(run_cap),
        allowed_tools=None if allowed is None else tuple(allowed),
    )


def _why_not(approval: Approval) -> str:
    if approval.status is ApprovalStatus.EXPIRED:
        return "Nobody decided in time, so the call was refused."
    if approval.status is ApprovalStatus.WITHDRAWN:
        return "What the call was for has ended, so it was withdrawn."
    by = f" by {approval.reviewer_label}" if approval.reviewer_label else ""
    return f"Rejected{by}: {approval.comment}" if approval.comment else f"Rejected{by}."
