"""How a function is declared: its name, the kinds of its arguments, and plain code."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from interlock.kit.expressions.budget import Budget
from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.values import is_list, is_number, kind


@dataclass(slots=True)
class Moment:
    """What a function may know beside its arguments: the budget, and the time that the scope gives."""

    budget: Budget
    read_now: Callable[[], datetime]


Code: TypeAlias = Callable[..., Any]
MANY = 1_000

_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("text", lambda value: isinstance(value, str)),
    "number": ("a number", is_number),
    "integer": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "list": ("a list", is_list),
    "object": ("an object", lambda value: isinstance(value, dict)),
    "any": ("any value", lambda _: True),
}


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `kinds` names its arguments' kinds; `?` marks one that may be left out, `*` one that repeats."""

    name: str
    kinds: tuple[str, ...]
    run: Code

    @property
    def least(self) -> int:
        """How many arguments it needs."""
        return sum(not kind.endswith(("?", "*")) for kind in self.kinds)

    @property
    def most(self) -> int:
        """How many arguments it takes."""
        return MANY if self.kinds and self.kinds[-1].endswith("*") else len(self.kinds)

    def __call__(self, moment: Moment, arguments: list[Any]) -> Any:
        """Check the arguments and run.

        Raises:
            ExpressionError: an argument is of the wrong kind, or the function cannot use its value.
        """
        last = len(self.kinds) - 1
        for index, value in enumerate(arguments):
            words, fits = _CHECKS[self.kinds[min(index, last)].rstrip("?*")]
            if not fits(value):
                raise ExpressionError(f"{self.name}(): argument {index + 1} must be {words}, not {kind(value)}.")
        try:
            return self.run(moment, *arguments)
        except ExpressionError as error:
            if error.message.startswith(f"{self.name}()"):
                raise
            raise ExpressionError(f"{self.name}(): {error.message}", error.position) from error


def declarer(into: dict[str, Function]) -> Callable[..., Callable[[Code], Code]]:
    """A decorator that enters functions into a module's table: `@function("name", "kind", ..., aliases=(...))`."""

    def function(name: str, *kinds: str, aliases: tuple[str, ...] = ()) -> Callable[[Code], Code]:
        def enter(code: Code) -> Code:
            for each in (name, *aliases):
                into[each] = Function(each, kinds, code)
            return code

        return enter

    return function
