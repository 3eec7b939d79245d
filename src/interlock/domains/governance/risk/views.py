"""What other domains and faces see of risk: the signals, the four dimensions, and the assessment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from interlock.domains.governance.policies.views import RiskLevel
from interlock.kit.operations import View


class Dimension(StrEnum):
    """A way in which a system may do harm."""

    BIAS = "bias"
    PRIVACY = "privacy"
    OPERATIONAL = "operational"
    REGULATORY = "regulatory"


class DataClass(StrEnum):
    """What kind of sensitive data a system touches."""

    PERSONAL = "personal"
    FINANCIAL = "financial"
    HEALTH = "health"


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a system, as far as it bears on risk.

    Args:
        breadth: how wide its scope is, from 0 (nothing) to 1 (everything).
        reach: the risk of the riskiest tool it may use or has used.
        data: the kinds of sensitive data it touches.
        unsupervised: tool runs of the last seven days that no person looked at.
        tags: regulatory controls that apply to it.
    """

    breadth: float = 0.0
    reach: RiskLevel = RiskLevel.LOW
    data: frozenset[DataClass] = frozenset()
    unsupervised: int = 0
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RiskRules:
    """A workspace's weights of the dimensions, and the score above which a system is flagged."""

    threshold: float = 60.0
    weights: Mapping[Dimension, float] = field(default_factory=lambda: MappingProxyType(dict.fromkeys(Dimension, 1.0)))


class DimensionScore(View):
    """One dimension's score and what makes it up."""

    score: float
    explanation: str
    overridden: bool = False


class Assessment(View):
    """The scores of a system: a flagged one needs a person for every sensitive tool, a critical one for every call."""

    dimensions: dict[Dimension, DimensionScore]
    score: float
    level: RiskLevel
    flagged: bool
