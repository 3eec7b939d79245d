"""Values of a run as a page shows them: whole where they are short, else how they begin."""

from dataclasses import dataclass
from typing import Any

from interlock.faces.dashboard.words import json_text

_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as text.

    Args:
        left_out: how many characters are not shown.
    """

    text: str
    left_out: int

    @property
    def is_short(self) -> bool:
        """Whether it may stand open."""
        return self.left_out == 0 and self.text.count("\n") <= 12 and len(self.text) <= 1_000


def shown(value: Any) -> Shown | None:
    """The text of a value; None where there is nothing to show."""
    if value is None or value == {}:
        return None
    text = value if isinstance(value, str) else json_text(value)
    return Shown(text[:_MOST], max(len(text) - _MOST, 0))
