"""What other domains and faces see of policies: the rule, the attempt it judges, and the verdict."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from interlock.domains.governance.policies.states import PolicyMode
from interlock.kit.ids import AgentId, RunId, TypedId
from interlock.kit.money import ZERO
from interlock.kit.operations import View
from interlock.runtime.context import ActorKind

BUDGET_EXHAUSTED = "budget_exhausted"
"""The reason of every refusal for lack of money, word for word."""


class PolicyId(TypedId):
    """A policy's identity."""

    prefix: ClassVar[str] = "pol"


def _any_prefix(value: object) -> object:
    """A run's or agent's id arrives as its own kind or as its text; a domain that knows neither takes both."""
    if isinstance(value, str) and "_" in value:
        return TypedId.parse("_" + value.rpartition("_")[2])
    return TypedId.of(value) if isinstance(value, UUID) and not isinstance(value, TypedId) else value


PlainId = Annotated[TypedId, BeforeValidator(_any_prefix)]
"""The id of something that a higher domain owns."""


class Decision(StrEnum):
    """The verdict vocabulary of the wire."""

    AUTHORIZED = "authorized"
    ESCALATED = "escalated"
    DENIED = "denied"


class PolicyType(StrEnum):
    """What a policy looks at."""

    APPROVAL = "approval"
    COST = "cost"
    DATA_PRIVACY = "data_privacy"
    CONTENT = "content"
    COMPLIANCE = "compliance"


class RiskLevel(StrEnum):
    """How much harm a tool or a caller may do."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place in the order, from 0."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(RiskLevel)}


class AlertChannel(StrEnum):
    """Where governance is told of an alert."""

    SLACK = "slack"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Effect(StrEnum):
    """What a policy does to a call when it is enforced."""

    DENY = "deny"
    HOLD = "hold"
    MASK = "mask"
    LABEL = "label"


Glob = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Globs = Annotated[tuple[Glob, ...], Field(max_length=200)]
ArgumentName = Annotated[str, Field(min_length=1, max_length=128)]


class Match(BaseModel):
    """Which calls a policy applies to; an empty part applies to everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: Annotated[
        Globs, Field(description="Tool names, namespaces such as `comms`, or globs such as `*.send_*`.")
    ] = ()
    resources: Annotated[
        dict[ArgumentName, Globs],
        Field(max_length=20, description="Argument name to globs; all named arguments must be present and match."),
    ] = Field(default_factory=dict)
    callers: Annotated[Globs, Field(description="Globs over the caller's label, id or kind.")] = ()


class Policy(View):
    """A rule: what it looks at, which calls it applies to, and how far it goes."""

    id: PolicyId
    number: int
    name: str
    type: PolicyType
    mode: PolicyMode
    match: Match
    config: dict[str, Any]
    channels: tuple[AlertChannel, ...]
    enabled: bool
    created_at: datetime
    updated_at: datetime


@lru_cache(maxsize=4096)
def _text_of(policy_id: PolicyId) -> str:
    """Policies match again and again; spelling an id costs as much as judging it."""
    return str(policy_id)


@dataclass(frozen=True, slots=True)
class MatchedPolicy:
    """A policy that applied to a call. Under `alert` and `log` the effect is what it would have done."""

    policy_id: PolicyId
    name: str
    type: PolicyType
    mode: PolicyMode
    would: Effect
    detail: str = ""

    def as_json(self) -> dict[str, str]:
        """The form that evidence keeps."""
        return {
            "policy_id": _text_of(self.policy_id),
            "name": self.name,
            "type": self.type,
            "mode": self.mode,
            "would": self.would,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class ToolScope:
    """What a caller may touch: tools (None means all) and, per argument name, the globs its value must match."""

    tools: tuple[str, ...] | None = None
    resources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The copy that evidence keeps, so that later edits cannot rewrite history."""
        return {
            "tools": None if self.tools is None else list(self.tools),
            "resources": {name: list(globs) for name, globs in self.resources.items()},
        }


@dataclass(frozen=True, slots=True)
class Caller:
    """Who attempts a call."""

    kind: ActorKind
    id: TypedId | None
    label: str
    risk: RiskLevel = RiskLevel.LOW


@dataclass(frozen=True, slots=True)
class Attempt:
    """A tool call that somebody wants to make.

    Args:
        approved: a person's approval is on record: pause policies and forced gates do not fire again, all else does.
        shown: the arguments without what nobody may ever see, such as credentials; the same when None.
        concealed: the dotted paths that differ there.
    """

    tool: str
    arguments: dict[str, Any]
    caller: Caller
    requires_approval: bool = False
    risk: RiskLevel = RiskLevel.LOW
    cost_estimate: Decimal = ZERO
    run_id: RunId | None = None
    agent_id: AgentId | None = None
    scope: ToolScope | None = None
    approved: bool = False
    shown: dict[str, Any] | None = None
    concealed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to an attempt.

    Args:
        arguments: what the adapter may see: masked by every enforced privacy policy.
        recorded: what evidence and reviewers may see: masked by the privacy policies that only watch, too.
        masked_fields: dotted paths of the arguments in which something was masked.
        controls: compliance tags of the call.
        alerts: the matches of which governance is told at once.
    """

    decision: Decision
    reason: str
    policy_id: PolicyId | None
    matched: tuple[MatchedPolicy, ...]
    arguments: dict[str, Any]
    recorded: dict[str, Any]
    masked_fields: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    alerts: tuple[MatchedPolicy, ...] = ()


@dataclass(frozen=True, slots=True)
class Screening:
    """What content policies say to a text that a model produced.

    Args:
        decision: denied where a blocking policy found something, escalated where a pausing one did.
        findings: what was found, for people; never the text around it.
    """

    decision: Decision
    reason: str
    policy_id: PolicyId | None
    matched: tuple[MatchedPolicy, ...] = ()
    findings: tuple[str, ...] = ()


class DryRun(View):
    """The verdict a made-up call would get; arguments in the form evidence would see."""

    decision: Decision
    reason: str
    policy_id: PolicyId | None
    matched: tuple[dict[str, str], ...]
    arguments: dict[str, Any]
    masked_fields: tuple[str, ...]
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolTerms:
    """What the catalogue says of a tool before any policy does."""

    requires_approval: bool
    risk: RiskLevel


class ApplyingPolicy(View):
    """A policy over a tool; `condition` says in words when it fires, and is empty where it does on every call."""

    policy_id: PolicyId
    name: str
    type: PolicyType
    mode: PolicyMode
    would: Effect
    condition: str


class ToolStanding(View):
    """A tool with the policies over it, in the order of judgement; some tools always need a person as well."""

    tool: str
    requires_approval: bool
    risk: RiskLevel
    policies: tuple[ApplyingPolicy, ...]


class Standing(View):
    """What is asked about a caller's tools, and about what its model says."""

    tools: tuple[ToolStanding, ...]
    output: tuple[ApplyingPolicy, ...]
