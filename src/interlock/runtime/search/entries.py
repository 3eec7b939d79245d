"""What goes into a collection, what is asked of it, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from interlock.runtime.search.fusion import fused_score

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = npt.NDArray[np.float32]

CANDIDATES = 50
CANDIDATES_PER_RESULT = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that may be found.

    Args:
        number: the integer key of the domain's row.
        text: what it is found by; only the first 100,000 characters are looked at.
        labels: what a query may filter by, such as `owner:user_01…`; any text.
        until: when it stops being found.
    """

    number: int
    text: str
    labels: Iterable[str] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for.

    Args:
        text: words of a person or a program; no character of it is syntax.
        vector: its meaning; without it only words are compared.
        top_k: how many results at most.
        labels: each of these sets must be met by at least one of its members.
    """

    text: str
    vector: Vector | None = None
    top_k: int = 10
    labels: Iterable[Iterable[str]] = ()

    @property
    def candidates(self) -> int:
        """How many each half contributes before they are fused."""
        return max(CANDIDATES, CANDIDATES_PER_RESULT * self.top_k)


@dataclass(frozen=True, slots=True)
class Hit:
    """One result.

    Args:
        number: the integer key of the domain's row.
        text: what was put in.
        cosine: how near the meanings are, -1 to 1; None as long as the entry has no vector, or the query none.
        coverage: share of the query's telling words that occur, 0 to 1.
        is_named: an identifier of the query, such as an order's number, occurs.
        word_rank: its place among the matches of words, from 1; None where it is not among those that count.
        meaning_rank: its place among the nearest in meaning, likewise.
    """

    number: int
    text: str
    cosine: float | None
    coverage: float
    is_named: bool
    word_rank: int | None = None
    meaning_rank: int | None = None

    @property
    def score(self) -> float:
        """0 to 1, higher is closer: nearness of meaning where it is known, else the share of words."""
        return self.coverage if self.cosine is None else min(max(self.cosine, 0.0), 1.0)

    @property
    def fused(self) -> float:
        """What the order of results goes by."""
        return fused_score(self.word_rank, self.meaning_rank)


@dataclass(frozen=True, slots=True)
class Found:
    """What the two halves found, best first (words with their texts), and every nearness of meaning that is known."""

    by_words: dict[int, str]
    by_meaning: list[int]
    cosines: dict[int, float]
