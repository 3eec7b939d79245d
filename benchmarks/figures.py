"""What a benchmark reports: a figure, its aim, and the ceiling or peer measured beside it in the same run."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Args:
        row: the benchmark it belongs to.
        name: what was measured.
        value: the median of the repetitions, in `unit`.
        aim: the value it is held to, if any.
        more_is_better: rates are, times and sizes are not.
        peer: what stands beside it: a ceiling (the cheapest thing that could do it) or somebody else's program.
        peer_value: the peer's figure from the same run, in the same unit.
        aim_ratio: the ratio to the peer it is held to, if any.
        cpu_ms: CPU of the measured process per unit of work; a fair figure on a busy machine too.
        note: what a reader should know.
    """

    row: str
    name: str
    value: float
    unit: str
    aim: float | None = None
    more_is_better: bool = True
    peer: str = ""
    peer_value: float | None = None
    aim_ratio: float | None = None
    cpu_ms: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure over its peer's."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def met(self) -> bool | None:
        """Whether every aim is met; None where there is none."""
        verdicts = []
        if self.aim is not None:
            verdicts.append(self._reaches(self.value, self.aim))
        if self.aim_ratio is not None and self.ratio is not None:
            verdicts.append(self._reaches(self.ratio, self.aim_ratio))
        return all(verdicts) if verdicts else None

    def _reaches(self, value: float, aim: float) -> bool:
        return value >= aim if self.more_is_better else value <= aim


def median(values: Sequence[float]) -> float:
    """The middle of the repetitions: one disturbed repetition does not move it."""
    return float(statistics.median(values))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of the sorted sample lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
