"""What a reviewer works with: the inbox with identical requests together, everything about one, one answer for many.

Masked values are shown to nobody: evidence and reviewers see the same form, and the sealed original serves execution
alone. A reviewer who must know a value asks the caller, or replaces it by an edit.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.governance.approvals import service
from interlock.domains.governance.approvals.editing import masked_paths
from interlock.domains.governance.approvals.errors import not_a_reviewer
from interlock.domains.governance.approvals.repository import Approvals
from interlock.domains.governance.approvals.service import REVIEWERS, Approve, Comment, ReasonCode, Reject
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalId, ApprovalKind
from interlock.domains.governance.known_tools import known_tools
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import Policy, PolicyId, PolicyType, RiskLevel
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import AiSystem, SystemId
from interlock.kit.canonical import digest
from interlock.kit.errors import InterlockError, Kind, invalid, not_found
from interlock.kit.operations import Audit, Command, Effect, Nothing, View, operation
from interlock.kit.paging import MAXIMUM_LIMIT
from interlock.runtime.context import ActorKind, Ctx

_SYSTEMS = {
    ActorKind.AGENT: SystemKind.AGENT,
    ActorKind.CLIENT: SystemKind.MCP_CLIENT,
    ActorKind.WORKFLOW: SystemKind.WORKFLOW,
}
_MOST = 100
_KEY_LENGTH = 16


class Answer(StrEnum):
    """What a person says to several identical requests."""

    APPROVE = "approve"
    REJECT = "reject"


class HoldingPolicy(View):
    """The policy that holds a call, as it is now; `reason` is what its author says of it."""

    id: PolicyId
    name: str
    type: PolicyType
    mode: PolicyMode
    reason: str | None


class CallerRisk(View):
    """What the AI registry says of the caller."""

    system_id: SystemId
    name: str
    level: RiskLevel
    score: float


class Facts(View):
    """What a reviewer should know of a request beside the request.

    Args:
        masked_fields: paths of the arguments that are masked, for everybody.
        policy: None where no policy holds it (any more): the tool always needs a person, or the caller is too risky.
        always_held: the tool needs a person whatever the policies say.
        caller_risk: None for people and keys, and for programs that were never weighed.
    """

    masked_fields: tuple[str, ...]
    policy: HoldingPolicy | None
    always_held: bool
    tool_risk: RiskLevel
    caller_risk: CallerRisk | None


class ApprovalReview(Facts):
    """Everything a reviewer needs of one gate.

    Args:
        args_schema: what an edited call must satisfy, as JSON schema; None where anything may stand.
        alike: the identical requests that wait as well.
    """

    approval: Approval
    args_schema: dict[str, Any] | None
    alike: tuple[ApprovalId, ...]


class ApprovalGroup(Facts):
    """Identical requests that wait: the same tool, arguments, policy and reason.

    Args:
        key: the same for identical requests.
        approval: the one that waits longest.
        ids: all of them, the one that waits longest first.
        callers: who asks.
    """

    key: str
    approval: Approval
    ids: tuple[ApprovalId, ...]
    callers: tuple[str, ...]
    waiting_since: datetime
    expires_at: datetime


class Inbox(View):
    """What waits for a person, the first to expire first; `more` says that there is more than is shown."""

    groups: tuple[ApprovalGroup, ...]
    waiting: int
    more: bool


class Decided(View):
    """What became of one of several requests; an error where it was settled before."""

    approval_id: ApprovalId
    status: ApprovalStatus
    error: str | None = None


class DecidedMany(View):
    """What became of each."""

    decided: tuple[Decided, ...]

    @property
    def done(self) -> int:
        """How many were decided by this call."""
        return sum(item.error is None for item in self.decided)


class DecideMany(Command):
    """One answer to several identical requests: the same tool, arguments, policy and reason."""

    approval_ids: Annotated[tuple[ApprovalId, ...], Field(min_length=1, max_length=_MOST)]
    answer: Answer
    comment: Comment | None = None
    reason: Annotated[ReasonCode | None, Field(description="Of a rejection.")] = None


@operation("approvals.inbox", scope="workflows")
async def inbox(ctx: Ctx, command: Nothing) -> Inbox:
    """Show what waits for a person, identical requests together, with policy, risk and masked fields."""
    found = await _pending(ctx, None)
    groups: dict[str, list[Approval]] = {}
    for approval in reversed(found):
        groups.setdefault(key_of(approval), []).append(approval)
    reading = _Reading(ctx)
    shown = [
        ApprovalGroup(
            **await reading.facts(alike[0]),
            key=key,
            approval=alike[0],
            ids=tuple(approval.id for approval in alike),
            callers=tuple(dict.fromkeys(approval.caller_label for approval in alike)),
            waiting_since=alike[0].created_at,
            expires_at=min(approval.expires_at for approval in alike),
        )
        for key, alike in groups.items()
    ]
    shown.sort(key=lambda group: (group.expires_at, group.approval.number))
    return Inbox(groups=tuple(shown), waiting=len(found), more=len(found) == MAXIMUM_LIMIT)


@operation("approvals.review", scope="workflows")
async def review(ctx: Ctx, command: service.ApprovalRef) -> ApprovalReview:
    """Show everything a reviewer needs of one gate: the request, what is masked, which policy holds it, the risks."""
    approvals = Approvals(ctx)
    approval = await approvals.get(command.approval_id)
    alike: list[ApprovalId] = []
    if approval.status is ApprovalStatus.PENDING:
        key = key_of(approval)
        alike = [other.id for other in await _pending(ctx, approval.tool) if key_of(other) == key]
    return ApprovalReview(
        **await _Reading(ctx).facts(approval),
        approval=approval,
        args_schema=await approvals.schema(approval.id),
        alike=tuple(other for other in reversed(alike) if other != approval.id),
    )


@operation("approvals.decide_many", scope="workflows", effect=Effect.EXTERNAL, audit=Audit.LEDGER)
async def decide_many(ctx: Ctx, command: DecideMany) -> DecidedMany:
    """Give one answer to several identical requests; each is decided on its own, with evidence of its own.

    Raises:
        InterlockError: not_found where one is not there, invalid where they are not identical; none is decided then.
    """
    if ctx.actor.kind not in REVIEWERS:
        raise not_a_reviewer()
    keys = tuple(dict.fromkeys(command.approval_ids))
    async with ctx.begin(write=False) as reading:
        known = [await Approvals(reading).get(key) for key in keys]
    if len({key_of(approval) for approval in known}) > 1:
        raise invalid(
            "These requests are not identical.",
            field="approval_ids",
            hint="Send those that share tool, arguments, policy and reason; decide the others by themselves.",
        )
    return DecidedMany(decided=tuple([await _decide(ctx, key, command) for key in keys]))


def key_of(approval: Approval) -> str:
    """The same for requests that one answer fits."""
    fingerprint = [
        approval.kind,
        approval.tool,
        approval.args_hash,
        approval.arguments,
        None if approval.policy_id is None else str(approval.policy_id),
        approval.reason,
    ]
    return digest(fingerprint)[:_KEY_LENGTH]


async def _decide(ctx: Ctx, key: ApprovalId, command: DecideMany) -> Decided:
    try:
        async with ctx.begin() as unit:
            if command.answer is Answer.APPROVE:
                decided = await service.approve(unit, Approve(approval_id=key, comment=command.comment))
            else:
                wanted = Reject(approval_id=key, comment=command.comment, reason=command.reason)
                decided = await service.reject(unit, wanted)
    except InterlockError as error:
        if error.kind is not Kind.CONFLICT:
            raise
        async with ctx.begin(write=False) as reading:
            current = await Approvals(reading).find(key)
        if current is None:
            raise not_found("approval", key) from error
        return Decided(approval_id=key, status=current.status, error=error.message)
    return Decided(approval_id=key, status=decided.status)


async def _pending(ctx: Ctx, tool: str | None) -> Sequence[Approval]:
    query = service.ListApprovals(status=ApprovalStatus.PENDING, tool=tool, limit=MAXIMUM_LIMIT)
    return (await service.list_(ctx, query)).items


class _Reading:
    """Looks up what several requests share once."""

    def __init__(self, ctx: Ctx) -> None:
        self._ctx = ctx
        self._policies: dict[PolicyId, Policy | None] = {}
        self._systems: dict[tuple[SystemKind, str], AiSystem | None] = {}

    async def facts(self, approval: Approval) -> dict[str, Any]:
        """The fields of `Facts`."""
        tool = known_tools(self._ctx.runtime).facts(approval.tool, self._ctx.workspace_id)
        stored = await Approvals(self._ctx).payload(approval.id)
        masked = masked_paths(approval.arguments) if stored is None else masked_paths(approval.arguments, stored)
        return {
            "masked_fields": tuple(masked),
            "policy": await self._policy(approval.policy_id),
            "always_held": tool.requires_approval,
            "tool_risk": tool.risk,
            "caller_risk": await self._risk(approval),
        }

    async def _policy(self, key: PolicyId | None) -> HoldingPolicy | None:
        if key is None:
            return None
        if key not in self._policies:
            self._policies[key] = await policies.find(self._ctx, key)
        policy = self._policies[key]
        if policy is None:
            return None
        said = policy.config.get("reason")
        return HoldingPolicy(id=policy.id, name=policy.name, type=policy.type, mode=policy.mode, reason=said)

    async def _risk(self, approval: Approval) -> CallerRisk | None:
        kind = _SYSTEMS.get(approval.caller_kind)
        subject = "" if approval.caller_id is None else str(approval.caller_id)
        if approval.kind is ApprovalKind.CHECK:  # a program that acts itself goes by the name it gives its agent
            kind, subject = SystemKind.AGENT, approval.caller_label
        if kind is None or not subject:
            return None
        place = (kind, subject)
        if place not in self._systems:
            self._systems[place] = await registry.find(self._ctx, kind, subject)
        system = self._systems[place]
        if system is None:
            return None
        return CallerRisk(system_id=system.id, name=system.name, level=system.level, score=system.score)
