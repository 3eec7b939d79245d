"""Reciprocal rank fusion: one order out of several, without comparing their scores."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

ItemT = TypeVar("ItemT", bound=Hashable)

K = 60


def fused_score(*ranks: int | None) -> float:
    """The sum of 1 / (60 + rank) over the rankings that hold an item."""
    return sum(1.0 / (K + rank) for rank in ranks if rank is not None)


def fuse(rankings: Iterable[Iterable[ItemT]], *, tie: Callable[[ItemT], Any] | None = None) -> list[ItemT]:
    """The items of all rankings by the sum of 1 / (60 + rank), ranks counted from 1; an item's repeats are ignored.

    Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods, 2009.

    Args:
        rankings: each best first.
        tie: orders items of equal sum, smaller first; by default the one met first.
    """
    scores: dict[ItemT, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(dict.fromkeys(ranking), start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (K + rank)
    order = scores if tie is None else sorted(scores, key=tie)
    return sorted(order, key=lambda item: -scores[item])
