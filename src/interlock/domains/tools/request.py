"""A call on its way through the stages: as it was asked, and as it was let pass."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interlock.domains.connectors.views import Account
from interlock.domains.governance.approvals.views import ApprovalId
from interlock.domains.governance.budgets.views import ReservationId
from interlock.domains.governance.policies.views import Caller, ToolScope, Verdict
from interlock.domains.tools.catalogue import ToolSpec
from interlock.domains.tools.views import ToolCallId
from interlock.kit.canonical import digest
from interlock.kit.ids import AgentId, RunId
from interlock.runtime.context import ActorKind

_RUNS = f"{RunId.prefix}_"
_LONGEST_KEY = 200  # as the column has it; providers take that much too


def own_key(caller: Caller, key: str | None) -> str | None:
    """An idempotency key as it is stored and sent: each caller has keys of its own, which nobody else can occupy.

    Keys of runs stay as they are. Nobody else's can look like one, because theirs begin with what they are.
    """
    if key is None or (caller.kind is ActorKind.AGENT and key.startswith(_RUNS)):
        return key
    owner = f"{caller.kind.value}:{'' if caller.id is None else caller.id}:"
    scoped = owner + key
    return scoped if len(scoped) <= _LONGEST_KEY else owner + digest(key)


@dataclass(frozen=True, slots=True)
class Request:
    """A call that passed validation.

    Args:
        scope: what the caller may use; None means everything.
        request_hash: over caller, tool and raw arguments.
        idempotency_key: as `own_key` has it.
    """

    spec: ToolSpec
    arguments: dict[str, Any]
    caller: Caller
    request_hash: str
    idempotency_key: str | None
    run_id: RunId | None
    agent_id: AgentId | None
    estimated_cost: Decimal
    run_cap: Decimal | None
    allowed_tools: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Approved:
    """A person's agreement, and the hash of the arguments that person put in place of the asked ones."""

    approval_id: ApprovalId
    reviewer: str | None
    edited_hash: str | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that every stage before the adapter has let pass, and that is on record as executing."""

    call_id: ToolCallId
    request: Request
    verdict: Verdict
    scope: ToolScope | None
    args_hash: str
    account: Account | None
    reservation_id: ReservationId | None
    approval: Approved | None = None
    interrupted: bool = False
    """It was executing when a server stopped, and doing it again is not safe."""

    @property
    def provider_key(self) -> str:
        """What the provider tells repeats by: the caller's own key, else the call itself."""
        return self.request.idempotency_key or str(self.call_id)
