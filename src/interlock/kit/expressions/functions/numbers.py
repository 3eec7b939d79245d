"""Functions on numbers."""

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.functions.registry import Function, Moment, declarer
from interlock.kit.expressions.values import before, calculate, decimal, is_list, is_number, kind, number

FUNCTIONS: dict[str, Function] = {}
function = declarer(FUNCTIONS)

_MOST_DIGITS = 15
_ROUNDING = Context(prec=700, rounding=ROUND_HALF_UP)


@function("round", "number", "integer?")
def round_(moment: Moment, value: float, digits: int = 0) -> int | float:
    """To so many digits behind the point; halves go away from zero, as people round."""
    if abs(digits) > _MOST_DIGITS:
        raise ExpressionError(f"at most {_MOST_DIGITS} digits.")
    rounded = decimal(number(value)).quantize(Decimal(1).scaleb(-digits), context=_ROUNDING)
    return number(int(rounded)) if digits <= 0 else number(rounded)


@function("abs", "number")
def absolute(moment: Moment, value: float) -> int | float:
    """Without its sign."""
    return number(abs(value))


@function("floor", "number")
def floor(moment: Moment, value: float) -> int | float:
    """The next whole number below."""
    return number(math.floor(value))


@function("ceil", "number")
def ceil(moment: Moment, value: float) -> int | float:
    """The next whole number above."""
    return number(math.ceil(value))


def _filled(moment: Moment, values: tuple[Any, ...]) -> list[Any]:
    """The values of one list, or of all arguments; null ones do not count."""
    items = values[0] if len(values) == 1 and is_list(values[0]) else values
    moment.budget.spend(len(items))
    return [item for item in items if item is not None]


@function("min", "any", "any*")
def least(moment: Moment, *values: Any) -> Any:
    """The smallest number or first text of a list or of the arguments; null where there is none."""
    return _extreme(moment, values, -1)


@function("max", "any", "any*")
def greatest(moment: Moment, *values: Any) -> Any:
    """The largest number or last text of a list or of the arguments; null where there is none."""
    return _extreme(moment, values, 1)


def _extreme(moment: Moment, values: tuple[Any, ...], side: int) -> Any:
    found = None
    for item in _filled(moment, values):
        if found is None or before(item, found, moment.budget) == side:
            found = item
        if not (is_number(item) or isinstance(item, str)):
            raise ExpressionError(f"{kind(item)} has no order; numbers or text are needed.")
    return found


@function("sum", "any", "any*")
def total(moment: Moment, *values: Any) -> int | float:
    """The sum of a list or of the arguments; null counts as nothing."""
    return _sum(moment, _filled(moment, values))


@function("avg", "any", "any*")
def average(moment: Moment, *values: Any) -> int | float | None:
    """The mean of a list or of the arguments without its nulls; null where there is none."""
    items = _filled(moment, values)
    mean: int | float | None = calculate("/", _sum(moment, items), len(items), moment.budget)
    return mean


def _sum(moment: Moment, items: list[Any]) -> int | float:
    result: int | float = 0
    for item in items:
        if not is_number(item):
            raise ExpressionError(f"{kind(item)} cannot be summed; numbers are needed.")
        result = calculate("+", result, item, moment.budget)
    return result
