"""Lifecycles: an enum, its table of moves, and the check that a move is allowed."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from interlock.kit.errors import conflict

StateT = TypeVar("StateT", bound=StrEnum)


class Lifecycle(Generic[StateT]):
    """The allowed moves of one kind of thing.

    Args:
        thing: what it is called in messages, such as `run`.
        moves: for every state the states it may go to; a state with no moves is final.
    """

    def __init__(self, thing: str, moves: Mapping[StateT, frozenset[StateT]]) -> None:
        self.thing = thing
        self.moves = moves
        states = set(moves)
        unknown = {target for targets in moves.values() for target in targets} - states
        if unknown:
            raise ValueError(f"{thing}: moves lead to undeclared states {sorted(unknown)}")

    def check(self, current: StateT, target: StateT) -> None:
        """Raise a conflict that names both states when the move is not allowed."""
        if target not in self.moves[current]:
            raise conflict(
                f"This {self.thing} is {current.value}, so it cannot become {target.value}.",
                state=current.value,
                wanted=target.value,
            )

    def sources(self, target: StateT) -> frozenset[StateT]:
        """The states from which the target may be reached; the `WHERE state IN` of a compare-and-set."""
        return frozenset(state for state, targets in self.moves.items() if target in targets)

    def is_final(self, state: StateT) -> bool:
        """Whether nothing can follow."""
        return not self.moves[state]
