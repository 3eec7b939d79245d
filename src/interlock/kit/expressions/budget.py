"""What one evaluation may cost, so that no expression can take the processor or the memory of the server."""

from dataclasses import dataclass, field
from typing import Any

from interlock.kit.expressions.errors import ExpressionError

STEPS = 100_000
SIZE = 1_000_000
DEPTH = 100
_CHARACTERS_PER_STEP = 64


@dataclass(slots=True)
class Budget:
    """Counts steps of the interpreter, and the characters and elements it makes; one may serve many evaluations.

    Args:
        steps: how many are left.
        size: how many characters and elements may still be made; also the most that one value may hold, counted
            as it would be written out, so that sharing one part a thousand times is no way around.
    """

    steps: int = STEPS
    size: int = SIZE
    largest: int = SIZE
    _known: dict[int, tuple[Any, int, int]] = field(default_factory=dict, repr=False)

    def spend(self, steps: int = 1) -> None:
        """Account for work."""
        self.steps -= steps
        if self.steps < 0:
            raise ExpressionError("The expression takes too many steps; let it work on less data.")

    def scan(self, characters: int) -> None:
        """Account for reading through text, which is much cheaper a character than a step."""
        self.spend(1 + characters // _CHARACTERS_PER_STEP)

    def make(self, count: int) -> None:
        """Account for new characters or elements, before they are made where their number is known."""
        self.size -= count
        if self.size < 0:
            raise ExpressionError("The expression makes too much data; let it produce less.")

    def text(self, value: str) -> str:
        """Account for new text."""
        self.make(len(value))
        return value

    def container(self, value: Any) -> Any:
        """Account for a new list or object."""
        self.make(len(value) + 1)
        self.weigh(value)
        return value

    def weigh(self, value: Any) -> int:
        """The size of a value written out.

        Raises:
            ExpressionError: it is larger than one value may be, nested too deeply, or not JSON.
        """
        return self._measure(value, DEPTH)[0]

    def _measure(self, value: Any, depth: int) -> tuple[int, int]:
        if isinstance(value, str):
            return len(value), 0
        if not isinstance(value, dict | list | tuple):
            return 1, 0
        known = self._known.get(id(value))
        if known is not None:
            return known[1], known[2]
        if depth == 0:
            raise ExpressionError(f"A value is nested more than {DEPTH} levels deep.")
        self.spend(1 + len(value) // _CHARACTERS_PER_STEP)
        size, height = 1, 0
        for part in value.values() if isinstance(value, dict) else value:
            inner, inner_height = self._measure(part, depth - 1)
            size += inner
            height = max(height, inner_height)
        if isinstance(value, dict):
            size += sum(map(len, value))
        if size > self.largest:
            raise ExpressionError("The expression makes too much data; let it produce less.")
        if height + 1 > DEPTH:
            raise ExpressionError(f"A value is nested more than {DEPTH} levels deep.")
        self._known[id(value)] = (value, size, height + 1)
        return size, height + 1
