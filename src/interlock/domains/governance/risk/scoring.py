"""From signals to scores, as pure functions.

Each dimension is a noisy-or over its factors: 100 x (1 - product of (1 - weight x signal)). It stays within 0 and 100,
never falls when a signal rises, and no single signal reaches 100 by itself (Pearl, Probabilistic Reasoning in
Intelligent Systems, 1988, section 4.3.2).
"""

import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.risk.views import (
    Assessment,
    DataClass,
    Dimension,
    DimensionScore,
    RiskRules,
    Signals,
)

_WEEKLY_SCALE = 4  # ten thousand unsupervised runs a week count as full autonomy
_TAGS_SCALE = 3
_CRITICAL_SHARE = 0.625  # of the way from the threshold to 100: 85 with the usual threshold of 60
_WHOLE_NAMESPACE = 5
_HALF_BREADTH = 10
_NARROWED = 0.7
_FACTORS: Mapping[Dimension, Mapping[str, float]] = MappingProxyType(
    {
        Dimension.BIAS: {"tags": 0.60, "autonomy": 0.40, "health": 0.35, "personal": 0.30},
        Dimension.PRIVACY: {"health": 0.50, "personal": 0.40, "financial": 0.35, "breadth": 0.30},
        Dimension.OPERATIONAL: {"reach": 0.50, "autonomy": 0.50, "breadth": 0.40},
        Dimension.REGULATORY: {"tags": 0.80, "health": 0.40, "financial": 0.30, "autonomy": 0.30, "personal": 0.15},
    }
)
_WORDS: Mapping[str, DataClass] = MappingProxyType(
    {
        word: kind
        for kind, words in {
            DataClass.PERSONAL: """
                address comms contact crm customer email employee gmail hr lead mail people person profile user
            """,
            DataClass.FINANCIAL: """
                account bank billing card charge invoice payment payout payroll refund salary stripe transfer wire
            """,
            DataClass.HEALTH: "clinical diagnosis ehr health lab medical medication patient prescription",
        }.items()
        for word in words.split()
    }
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def assess(signals: Signals, rules: RiskRules, overrides: Mapping[Dimension, float] | None = None) -> Assessment:
    """The four scores, their weighted mean and its level.

    Args:
        overrides: scores that a person has set in place of the computed ones.
    """
    given = overrides or {}
    strengths = _strengths(signals)
    dimensions = {}
    for dimension in Dimension:
        if dimension in given:
            told = DimensionScore(score=given[dimension], explanation="Set by a person.", overridden=True)
        else:
            told = _dimension(dimension, strengths, signals)
        dimensions[dimension] = told
    score = _mean({dimension: told.score for dimension, told in dimensions.items()}, rules.weights)
    return Assessment(
        dimensions=dimensions,
        score=score,
        level=level_of(score, rules.threshold),
        flagged=score > rules.threshold,
    )


def level_of(score: float, threshold: float) -> RiskLevel:
    """A score's level: high above the threshold, critical well above it, medium from half of it on."""
    if score > threshold:
        critical = threshold + (100 - threshold) * _CRITICAL_SHARE
        return RiskLevel.CRITICAL if score >= critical else RiskLevel.HIGH
    return RiskLevel.MEDIUM if score >= threshold / 2 else RiskLevel.LOW


def breadth_of(tools: Iterable[str] | None, resources: Mapping[str, object]) -> float:
    """How wide a scope is: 1 for everything, less for few tools, less again where resources are narrowed."""
    if tools is None:
        points = math.inf
    else:
        points = sum(math.inf if tool == "*" else 1 if _is_one(tool) else _WHOLE_NAMESPACE for tool in set(tools))
    share = 1.0 if math.isinf(points) else points / (points + _HALF_BREADTH)
    return share * (_NARROWED if resources else 1.0)


def data_in(tools: Iterable[str]) -> frozenset[DataClass]:
    """The kinds of data that tools of these names handle, as far as the names tell."""
    words = {word.lower() for tool in tools for word in _WORD.findall(tool)}
    return frozenset(_WORDS[word] for word in words | {word.removesuffix("s") for word in words} if word in _WORDS)


def _is_one(tool: str) -> bool:
    return "." in tool and "*" not in tool and "?" not in tool


def _strengths(signals: Signals) -> dict[str, float]:
    """Each signal between 0 and 1."""
    return {
        "breadth": min(max(signals.breadth, 0.0), 1.0),
        "reach": signals.reach.rank / RiskLevel.CRITICAL.rank,
        "autonomy": min(math.log10(1 + max(signals.unsupervised, 0)) / _WEEKLY_SCALE, 1.0),
        "tags": min(len(signals.tags) / _TAGS_SCALE, 1.0),
        **{kind.value: float(kind in signals.data) for kind in DataClass},
    }


def _dimension(dimension: Dimension, strengths: Mapping[str, float], signals: Signals) -> DimensionScore:
    left = 1.0
    causes = []
    for name, weight in _FACTORS[dimension].items():
        share = weight * strengths[name]
        left *= 1 - share
        if share > 0:
            causes.append((share, _cause(name, signals)))
    causes.sort(reverse=True)
    words = "; ".join(f"{cause} (up to {round(share * 100)})" for share, cause in causes)
    return DimensionScore(score=round(100 * (1 - left), 1), explanation=f"{words}." if words else "No signal.")


def _cause(name: str, signals: Signals) -> str:
    if name == "breadth":
        return "access to every tool" if signals.breadth >= 1 else f"a scope of {signals.breadth:.0%} breadth"
    if name == "reach":
        return f"tools of {signals.reach.value} risk in reach"
    if name == "autonomy":
        return f"{signals.unsupervised:,} unsupervised tool runs in a week"
    if name == "tags":
        return f"{len(signals.tags)} regulatory tags"
    return f"{name} data"


def _mean(scores: Mapping[Dimension, float], weights: Mapping[Dimension, float]) -> float:
    total = sum(weights[dimension] for dimension in Dimension)
    if total <= 0:
        raise ValueError("at least one dimension needs a weight")
    return round(sum(scores[dimension] * weights[dimension] for dimension in Dimension) / total, 1)
