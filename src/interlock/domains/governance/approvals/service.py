"""Opening, deciding and reading the gates that wait for a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import jsonschema_rs
from pydantic import Field, JsonValue

from interlock.domains.governance.approvals import jobs
from interlock.domains.governance.approvals.editing import restored
from interlock.domains.governance.approvals.errors import already_settled, not_a_reviewer, unfit_edit
from interlock.domains.governance.approvals.events import ApprovalRequested
from interlock.domains.governance.approvals.models import approvals as table
from interlock.domains.governance.approvals.repository import Approvals, recent_arguments
from interlock.domains.governance.approvals.settling import settle
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalId, ApprovalKind
from interlock.domains.governance.policies.service import caller_of
from interlock.domains.governance.policies.views import Caller, PolicyId
from interlock.domains.settings import service as settings
from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import RunId
from interlock.kit.operations import Audit, Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import ActorKind, Ctx

_LATEST = 1_000
REVIEWERS = frozenset({ActorKind.USER, ActorKind.KEY})

Comment = Annotated[
    str, Field(max_length=5_000, pattern=r"^[^\x00]*$", description="Words for whoever reads the decision.")
]
ReasonCode = Annotated[
    str, Field(max_length=100, pattern=r"^[^\x00]*$", description="A machine-readable cause, such as factual_error.")
]


@dataclass(frozen=True, slots=True)
class OpenGate:
    """What waits, and what a reviewer needs to know of it.

    Args:
        subject: text of the id of the waiting tool call, check or run.
        arguments_masked: the arguments in the form evidence may see (`Verdict.recorded`).
        payload: the raw call, a JSON value; sealed, and destroyed once the call is settled.
        schema: JSON schema that an edited call must satisfy.
        args_hash: keyed digest of the raw arguments; by default that of the payload.
        caller: who attempts the call; by default the caller of the context.
        one_time: the approval is used up by the next identical call, because this one cannot be asked again.
    """

    kind: ApprovalKind
    tool: str
    reason: str
    subject: str
    run_id: RunId | None = None
    arguments_masked: Mapping[str, Any] = field(default_factory=dict)
    payload: Any = None
    schema: Mapping[str, Any] | None = None
    policy_id: PolicyId | None = None
    args_hash: str | None = None
    caller: Caller | None = None
    one_time: bool = False


class Approve(Command):
    """A person agrees, to the thing as it is or to `edited_output` in its place."""

    approval_id: ApprovalId
    comment: Comment | None = None
    edited_output: JsonValue = None


class Reject(Command):
    """A person refuses."""

    approval_id: ApprovalId
    comment: Comment | None = None
    reason: ReasonCode | None = None


class ApprovalRef(Command):
    """Which approval; its escalation id does as well."""

    approval_id: ApprovalId


class ListApprovals(PageQuery):
    """Which approvals, and which page of them."""

    status: ApprovalStatus | None = None
    kind: ApprovalKind | None = None
    tool: Annotated[str, Field(max_length=200)] | None = None
    run_id: RunId | None = None


@operation("approvals.approve", scope="workflows", effect=Effect.WRITE, audit=Audit.LEDGER)
async def approve(ctx: Ctx, command: Approve) -> Approval:
    """Agree to what waits behind a gate; it goes on, once, and may be edited on the way."""
    approvals, current = await _to_decide(ctx, command.approval_id)
    values: dict[str, Any] = _review(ctx, command.comment)
    if command.edited_output is not None:
        if current.kind is ApprovalKind.TOOL_CALL:
            whole = restored(command.edited_output, current.arguments, await approvals.payload(current.id))
            _check_edit(whole, await approvals.schema(current.id))
        values |= {
            "sealed_edit": approvals.seal_edit(command.edited_output),
            "edited_hash": ctx.runtime.secrets.keyed_digest(command.edited_output),
        }
    if current.kind is ApprovalKind.CHECK:
        # The agreement waits as long as the question did: for the caller to ask again and use it.
        values["expires_at"] = ctx.now + timedelta(hours=await settings.approval_hours(ctx))
    return await settle(ctx, command.approval_id, ApprovalStatus.APPROVED, values)


@operation("approvals.reject", scope="workflows", effect=Effect.WRITE, audit=Audit.LEDGER)
async def reject(ctx: Ctx, command: Reject) -> Approval:
    """Refuse what waits behind a gate; it never happens."""
    await _to_decide(ctx, command.approval_id)
    values = {**_review(ctx, command.comment), "reason_code": command.reason}
    return await settle(ctx, command.approval_id, ApprovalStatus.REJECTED, values)


@operation("approvals.get", scope="workflows")
async def get(ctx: Ctx, command: ApprovalRef) -> Approval:
    """Show what waits behind a gate, or how it was decided."""
    return await Approvals(ctx).get(command.approval_id)


@operation("approvals.list", scope="workflows")
async def list_(ctx: Ctx, command: ListApprovals) -> Page[Approval]:
    """List the workspace's approvals, newest first."""
    columns = table.c
    filters = {"status": command.status, "kind": command.kind, "tool": command.tool, "run_id": command.run_id}
    conditions = [columns.workspace_id == ctx.workspace_id]
    conditions += [columns[name] == value for name, value in filters.items() if value is not None]
    if command.status is ApprovalStatus.PENDING:
        conditions.append(columns.expires_at > ctx.now)
    return await Approvals(ctx).page_where(command, conditions)


async def open_gate(ctx: Ctx, gate: OpenGate) -> Approval:
    """Have a person asked, in the caller's unit of work."""
    caller = gate.caller or caller_of(ctx)
    approvals = Approvals(ctx)
    expires_at = ctx.now + timedelta(hours=await settings.approval_hours(ctx))
    approval = await approvals.add(
        ApprovalId.new(),
        kind=gate.kind,
        status=ApprovalStatus.PENDING,
        tool=gate.tool[:200],
        reason=_storable(gate.reason),
        caller_kind=caller.kind,
        caller_id=caller.id,
        caller_label=caller.label[:200],
        subject=gate.subject,
        run_id=gate.run_id,
        arguments=_storable(dict(gate.arguments_masked)),
        args_hash=gate.args_hash or ctx.runtime.secrets.keyed_digest(gate.payload),
        edited_hash=None,
        policy_id=gate.policy_id,
        reviewer_id=None,
        reviewer_label=None,
        comment=None,
        reason_code=None,
        sealed_payload=None if gate.payload is None else approvals.seal_payload(gate.payload),
        sealed_edit=None,
        schema=None if gate.schema is None else dict(gate.schema),
        result=None,
        one_time=gate.one_time,
        consumed_at=None,
        created_at=ctx.now,
        decided_at=None,
        expires_at=expires_at,
    )
    await jobs.plan_expiry(ctx, approval.id, expires_at)
    await ctx.emit(
        ApprovalRequested(
            approval_id=approval.id,
            kind=approval.kind,
            subject=approval.subject,
            run_id=approval.run_id,
            tool=approval.tool,
            reason=approval.reason,
            caller=approval.caller_label,
            caller_kind=approval.caller_kind,
            expires_at=expires_at,
        )
    )
    return approval


async def payload(ctx: Ctx, approval_id: ApprovalId) -> Any:
    """The raw held call; None once it is destroyed."""
    return await Approvals(ctx).payload(approval_id)


async def call_to_make(ctx: Ctx, approval: Approval) -> Any:
    """The held call as it was approved: as it was asked, or as the reviewer has changed it; None once it is destroyed.

    What the reviewer left as it was shown stays as it was asked, masked or not.
    """
    stored = await payload(ctx, approval.id)
    if approval.edited_hash is None or stored is None:
        return stored
    return restored(approval.edited_output, approval.arguments, stored)


async def arguments_of(ctx: Ctx, hashes: frozenset[str]) -> dict[str, dict[str, Any]]:
    """What is still known of arguments by the hash that evidence has of them: the masked form of the latest gates."""
    known = await recent_arguments(ctx, _LATEST)
    return {hashed: arguments for arguments in known if (hashed := digest(arguments)) in hashes}


async def destroy_payload(ctx: Ctx, approval_id: ApprovalId) -> None:
    """Forget the raw held call and the reviewer's replacement of it; hashes and decision stay."""
    approvals = Approvals(ctx)
    current = await approvals.get(approval_id)
    # What a reviewer gave to a check or workflow gate is an answer for its caller, not a copy of a settled call.
    edit = {"sealed_edit": None} if current.kind is ApprovalKind.TOOL_CALL else {}
    await approvals.change(approval_id, {"sealed_payload": None, **edit})


async def attach_result(ctx: Ctx, approval_id: ApprovalId, result: JsonValue) -> None:
    """Keep what the released call returned, for whoever polls."""
    await Approvals(ctx).change(approval_id, {"result": _storable(result)})


async def withdraw(ctx: Ctx, approval_id: ApprovalId) -> bool:
    """Close a gate whose run is gone; False when it was settled before."""
    try:
        await settle(ctx, approval_id, ApprovalStatus.WITHDRAWN, {})
    except InterlockError as error:
        if error.kind is Kind.CONFLICT:
            return False
        raise
    return True


async def waiting_for_same_call(
    ctx: Ctx, *, tool: str, caller_label: str, args_hash: str, status: ApprovalStatus
) -> Approval | None:
    """The gate of an identical check without idempotency key: pending, or approved and not yet used."""
    return await Approvals(ctx).one_time(tool[:200], caller_label[:200], args_hash, status)


async def consume(ctx: Ctx, approval_id: ApprovalId) -> bool:
    """Use a one-time approval up; False when another call was quicker."""
    return await Approvals(ctx).consume(approval_id)


async def _to_decide(ctx: Ctx, approval_id: ApprovalId) -> tuple[Approvals, Approval]:
    """The gate, if this caller may decide it and it is still open."""
    if ctx.actor.kind not in REVIEWERS:
        raise not_a_reviewer()
    approvals = Approvals(ctx)
    current = await approvals.get(approval_id)
    if current.status is not ApprovalStatus.PENDING:
        raise already_settled(approval_id, current.status)
    return approvals, current


def _review(ctx: Ctx, comment: str | None) -> dict[str, Any]:
    return {"reviewer_id": ctx.actor.user_id, "reviewer_label": ctx.actor.label[:200], "comment": comment}


def _storable(value: Any) -> Any:
    """The value without the one character that PostgreSQL can keep neither in text nor in JSON."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def _check_edit(edit: JsonValue, schema: Mapping[str, Any] | None) -> None:
    """An edited tool call replaces the arguments, so it must be what the tool takes."""
    if not isinstance(edit, dict):
        raise unfit_edit("must be a JSON object: it replaces the call's arguments.")
    if schema is None:
        return
    # What was masked is in the call by now, so no value may stand in a message.
    for error in jsonschema_rs.validator_for(dict(schema), mask="[value]").iter_errors(edit):
        raise unfit_edit(f"{error.message}.", ".".join(str(part) for part in error.instance_path))
