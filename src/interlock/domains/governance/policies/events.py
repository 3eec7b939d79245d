"""News of the policies sub-domain."""

from typing import ClassVar

from interlock.domains.governance.policies.states import PolicyMode
from interlock.domains.governance.policies.views import AlertChannel, PolicyId
from interlock.kit.ids import RunId
from interlock.runtime.context import ActorKind
from interlock.runtime.events import Event


class PolicyAlerted(Event):
    """A policy in alert mode matched a call, which went through; governance wants to know at once."""

    name: ClassVar[str] = "governance.policy_alerted"

    policy_id: PolicyId
    policy_name: str
    would: str
    detail: str
    tool: str
    caller: str
    caller_kind: ActorKind
    run_id: RunId | None
    channels: tuple[AlertChannel, ...]


class PolicyChanged(Event):
    """A policy was made, changed or retired; mode is None when it was retired."""

    name: ClassVar[str] = "governance.policy_changed"

    policy_id: PolicyId
    policy_name: str
    mode: PolicyMode | None
