"""The vectors of one workspace's collection in memory, searched exactly: every vector is compared, none is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.runtime.lazy import lazy
from interlock.runtime.search.schema import DIMENSIONS
from interlock.runtime.search.words import label_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from interlock.runtime.search.entries import Vector
else:
    np = lazy("numpy")

_FIRST_ROOM = 256
_DENSE = 0.2
_WORTH_TIDYING = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """An entry as it now stands; without a vector it is no longer, or not yet, found by meaning."""

    number: int
    vector: Vector | None
    scope: str
    until: float


class Shelf:
    """Grows at its end only: a thread that searches keeps a whole view of it while another appends."""

    def __init__(self) -> None:
        self.change = 0
        self._size = 0
        self._vectors: Vector = np.empty((_FIRST_ROOM, DIMENSIONS), dtype=np.float32)
        self._numbers: npt.NDArray[np.int64] = np.empty(_FIRST_ROOM, dtype=np.int64)
        self._until: npt.NDArray[np.float64] = np.empty(_FIRST_ROOM, dtype=np.float64)
        self._alive: npt.NDArray[np.bool_] = np.zeros(_FIRST_ROOM, dtype=np.bool_)
        # Which slot carries which label: one pair after the other.
        self._pairs = 0
        self._pair_slots: npt.NDArray[np.int64] = np.empty(_FIRST_ROOM, dtype=np.int64)
        self._pair_labels: npt.NDArray[np.int64] = np.empty(_FIRST_ROOM, dtype=np.int64)
        self._slots: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def is_untidy(self) -> bool:
        """Whether more than half of its room is held by entries that went; loading it anew is cheaper then."""
        return self._size > _WORTH_TIDYING and len(self._slots) * 2 < self._size

    def apply(self, changes: Sequence[Change]) -> None:
        """Bring it up to date; a number's later change replaces its earlier one."""
        for change in changes:
            slot = self._slots.pop(change.number, None)
            if slot is not None:
                self._alive[slot] = False
        latest = {change.number: change for change in changes}
        added = [change for change in latest.values() if change.vector is not None]
        if not added:
            return
        first, last = self._size, self._size + len(added)
        self._make_room(last)
        vectors = np.stack([change.vector for change in added if change.vector is not None])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._vectors[first:last] = vectors / np.where(lengths > 0, lengths, 1)
        self._numbers[first:last] = [change.number for change in added]
        self._until[first:last] = [change.until for change in added]
        self._alive[first:last] = True
        pairs = [
            (first + place, label_number(token))
            for place, change in enumerate(added)
            for token in change.scope.split()[1:]
        ]
        if pairs:
            self._add_pairs(np.array(pairs, dtype=np.int64))
        self._size = last
        self._slots.update((change.number, first + place) for place, change in enumerate(added))

    def nearest(
        self, vector: Vector, labels: Iterable[Sequence[str]], now: float, count: int
    ) -> list[tuple[int, float]]:
        """The numbers nearest to a direction and their cosines, best first, newer first where equal."""
        size = self._size
        vectors, numbers = self._vectors[:size], self._numbers[:size]
        allowed = self._alive[:size] & (self._until[:size] > now)
        for tokens in labels:
            allowed &= self._labelled(tokens, size)
        places = np.flatnonzero(allowed)
        if not len(places):
            return []
        direction = _unit(vector)
        is_dense = len(places) > _DENSE * size
        cosines = (vectors @ direction)[places] if is_dense else vectors[places] @ direction
        if len(places) > count:
            # Everything as near as the last one that fits: the order below decides between equals.
            least = np.partition(cosines, len(cosines) - count)[len(cosines) - count]
            best = np.flatnonzero(cosines >= least)
            places, cosines = places[best], cosines[best]
        found = numbers[places]
        order = np.lexsort((-found, -cosines))[:count]
        return [(int(found[index]), float(cosines[index])) for index in order]

    def cosines(self, vector: Vector, numbers: Iterable[int]) -> dict[int, float]:
        """How near these are, as far as they are here."""
        here = [(number, slot) for number in numbers if (slot := self._slots.get(number)) is not None]
        if not here:
            return {}
        near = self._vectors[[slot for _, slot in here]] @ _unit(vector)
        return {number: float(cosine) for (number, _), cosine in zip(here, near, strict=True)}

    def _labelled(self, tokens: Sequence[str], size: int) -> npt.NDArray[np.bool_]:
        mask = np.zeros(size, dtype=np.bool_)
        labels = self._pair_labels[: self._pairs]
        slots = self._pair_slots[: self._pairs]
        for token in tokens:
            with_label = slots[labels == label_number(token)]
            mask[with_label[with_label < size]] = True
        return mask

    def _make_room(self, size: int) -> None:
        room = len(self._numbers)
        if size <= room:
            return
        more = max(size, room * 2)
        self._vectors = _grown(self._vectors, more)
        self._numbers = _grown(self._numbers, more)
        self._until = _grown(self._until, more)
        self._alive = _grown(self._alive, more)

    def _add_pairs(self, pairs: npt.NDArray[np.int64]) -> None:
        size = self._pairs + len(pairs)
        if size > len(self._pair_slots):
            more = max(size, 2 * len(self._pair_slots))
            self._pair_slots = _grown(self._pair_slots, more)
            self._pair_labels = _grown(self._pair_labels, more)
        self._pair_slots[self._pairs : size] = pairs[:, 0]
        self._pair_labels[self._pairs : size] = pairs[:, 1]
        self._pairs = size


def _grown(array: npt.NDArray[Any], room: int) -> npt.NDArray[Any]:
    grown = np.zeros((room, *array.shape[1:]), dtype=array.dtype)
    grown[: len(array)] = array
    return grown


def _unit(vector: Vector) -> Vector:
    direction = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(direction))
    return direction / np.float32(length) if length > 0 else direction
