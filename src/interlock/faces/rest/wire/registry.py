"""Native replies about the AI registry."""

from pydantic import Field

from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import Period, SystemId
from interlock.domains.governance.risk.views import DataClass, Dimension
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.runtime.context import UserId


class SystemRow(Wire):
    """An AI system of the workspace; `risk` is the level of its weighted `risk_score`."""

    id: SystemId
    kind: SystemKind
    name: str
    subject: str
    owner: UserId | None = Field(validation_alias="owner_id")
    risk: RiskLevel = Field(validation_alias="level")
    risk_score: float = Field(validation_alias="score")
    flagged: bool
    assessed_at: Timestamp
    last_active_at: Timestamp | None = Field(validation_alias="active_at")
    created_at: Timestamp
    removed_at: Timestamp | None


class ScopeReply(Wire):
    """What a system may use; `tools` null means everything."""

    tools: tuple[str, ...] | None
    resources: dict[str, tuple[str, ...]]


class FootprintReply(Wire):
    """How many of a system's calls got which verdict; `unsupervised` ones ran without a person's approval."""

    authorized: int
    escalated: int
    denied: int
    unsupervised: int


class DimensionReply(Wire):
    """One risk score and what makes it up."""

    score: float
    explanation: str
    overridden: bool


class ObservedReply(Wire):
    """What a system was seen to touch, from the evidence of its calls."""

    tools: tuple[str, ...]
    data: tuple[DataClass, ...]
    tags: tuple[str, ...]


class SystemReply(SystemRow):
    """One AI system with its scope, its risk explained, and its footprint in the ledger by days, today included.

    `scores` are what they are at this moment; `risk` and `risk_score`, which verdicts obey, are as of `assessed_at`.
    """

    scope: ScopeReply
    data: tuple[DataClass, ...]
    tags: tuple[str, ...]
    observed: ObservedReply
    scores: dict[Dimension, DimensionReply]
    threshold: float
    audit: dict[Period, FootprintReply] = Field(validation_alias="footprint")
