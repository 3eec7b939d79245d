"""What other domains and faces see of the AI registry."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from interlock.domains.governance.policies.views import RiskLevel, ToolScope
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.risk.views import Assessment, DataClass, Dimension, DimensionScore
from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.runtime.context import UserId

__all__ = ["AiSystem", "Footprint", "Observed", "Period", "RiskLevel", "SystemDetail", "SystemId", "SystemKind"]


class SystemId(TypedId):
    """A registered AI system's identity."""

    prefix: ClassVar[str] = "sys"


class Period(StrEnum):
    """Days that activity is looked at over."""

    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"


class Observed(View):
    """What a system was seen to touch, from the evidence of its calls."""

    tools: tuple[str, ...] = ()
    data: tuple[DataClass, ...] = ()
    tags: tuple[str, ...] = ()


class AiSystem(View):
    """An AI system of the workspace.

    `subject` is its own id, or the free label it calls itself; `tools` None means everything; `active_at` is up to a
    minute behind.
    """

    id: SystemId
    number: int
    kind: SystemKind
    subject: str
    name: str
    owner_id: UserId | None
    tools: tuple[str, ...] | None
    resources: dict[str, tuple[str, ...]]
    data: tuple[DataClass, ...]
    tags: tuple[str, ...]
    observed: Observed
    overrides: dict[Dimension, float]
    score: float
    level: RiskLevel
    flagged: bool
    assessed_at: datetime
    active_at: datetime | None
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None


class Footprint(View):
    """How many of a system's calls got which verdict; `unsupervised` ones ran without a person's approval."""

    authorized: int = 0
    escalated: int = 0
    denied: int = 0
    unsupervised: int = 0


class SystemDetail(AiSystem):
    """A system with its risk explained and its footprint in the evidence ledger by number of days."""

    assessment: Assessment
    threshold: float
    footprint: dict[Period, Footprint]

    @property
    def scope(self) -> ToolScope:
        """What it may use."""
        return ToolScope(self.tools, self.resources)

    @property
    def scores(self) -> dict[Dimension, DimensionScore]:
        """The four scores with their reasons."""
        return self.assessment.dimensions
