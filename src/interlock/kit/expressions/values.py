"""How values behave: kinds, truth, equality, order, arithmetic, and their text. JSON in, JSON out."""

import math
from collections.abc import Hashable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import orjson

from interlock.kit.expressions.budget import Budget
from interlock.kit.expressions.errors import ExpressionError

# As wide as a float's exponent, with digits to spare: 0.1 + 0.2 is 0.3, as people who write formulas expect.
_DECIMAL = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-10_000, Emax=10_000, traps=[])
_LARGEST = 2**63
_NULL_HINT = "give it a value with '??', as in (a ?? 0)"


def kind(value: Any) -> str:
    """What a value is, in the words of messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def is_number(value: Any) -> bool:
    """Tell whether it is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_list(value: Any) -> bool:
    """Tell whether it is a list."""
    return isinstance(value, list | tuple)


def truth(value: Any) -> bool:
    """False are null, false, 0, empty text, and the empty list and object; all else is true."""
    return bool(value)


def number(value: float | Decimal) -> int | float:
    """A result as JSON can hold it: whole numbers within 64 bits, others as floats.

    Raises:
        ExpressionError: it is too large.
    """
    if isinstance(value, int):
        if -_LARGEST <= value < _LARGEST:
            return value
        raise ExpressionError("A number is too large (64 bits hold whole numbers up to 9223372036854775807).")
    if isinstance(value, Decimal):
        value = float(value) if value.is_finite() else math.inf
    if math.isfinite(value):
        return value
    raise ExpressionError("A number is too large.")


def decimal(value: float) -> Decimal:
    """A number as the decimal that it is written as."""
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def calculate(operator: str, left: Any, right: Any, budget: Budget) -> Any:
    """`left operator right`; with text, `+` joins. Dividing by zero gives null."""
    if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
        return _joined(left, right, budget)
    for value in (left, right):
        if value is None:
            raise ExpressionError(f"Cannot calculate '{operator}' with null; {_NULL_HINT}.")
        if not is_number(value):
            raise ExpressionError(f"Cannot calculate '{operator}' with {kind(value)}; numbers are needed.")
    if operator in {"/", "%"} and right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        number(left), number(right)
        if operator == "+":
            return number(left + right)
        if operator == "-":
            return number(left - right)
        if operator == "*":
            return number(left * right)
        if operator == "%":
            return left % right
        if left % right == 0:
            return number(left // right)
    return _with_decimals(operator, decimal(number(left)), decimal(number(right)))


def _with_decimals(operator: str, left: Decimal, right: Decimal) -> int | float:
    if operator == "+":
        return number(_DECIMAL.add(left, right))
    if operator == "-":
        return number(_DECIMAL.subtract(left, right))
    if operator == "*":
        return number(_DECIMAL.multiply(left, right))
    if operator == "/":
        return number(_DECIMAL.divide(left, right))
    # The sign of the divisor, as with whole numbers; decimals of very different sizes have no exact remainder.
    remainder = math.fmod(float(left), float(right))
    if remainder and (remainder < 0) != (right < 0):
        remainder += float(right)
    exact = _DECIMAL.remainder(left, right)
    if exact.is_finite():
        remainder = float(exact if not exact or (exact < 0) == (right < 0) else exact + right)
    return number(remainder)


def _joined(left: Any, right: Any, budget: Budget) -> str:
    for value in (left, right):
        if value is None:
            raise ExpressionError("Cannot add null to text; give it a value with '??', as in (a ?? '').")
        if isinstance(value, dict | list | tuple):
            raise ExpressionError(f"Cannot add {kind(value)} to text; use json() or join().")
    first, second = written(left, budget), written(right, budget)
    budget.make(len(first) + len(second))
    return first + second


def same(left: Any, right: Any, budget: Budget, depth: int = 100) -> bool:
    """Deep equality; 1 equals 1.0, and true does not equal 1."""
    budget.spend()
    if isinstance(left, str) and isinstance(right, str):
        budget.scan(min(len(left), len(right)))
        return left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_list(left) and is_list(right):
        deeper = _deeper(depth)
        return len(left) == len(right) and all(same(a, b, budget, deeper) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        deeper = _deeper(depth)
        return left.keys() == right.keys() and all(same(left[key], right[key], budget, deeper) for key in left)
    if isinstance(left, dict | list | tuple) or isinstance(right, dict | list | tuple):
        return False
    return bool(left == right)


def _deeper(depth: int) -> int:
    if depth == 0:
        raise ExpressionError("A value is nested too deeply to be compared.")
    return depth - 1


def before(left: Any, right: Any, budget: Budget) -> int:
    """-1, 0 or 1: how two numbers, or two texts, stand to one another.

    Raises:
        ExpressionError: they have no order.
    """
    if is_number(left) and is_number(right):
        return int(left > right) - int(left < right)
    if isinstance(left, str) and isinstance(right, str):
        budget.scan(min(len(left), len(right)))
        return (left > right) - (left < right)
    if left is None or right is None:
        raise ExpressionError(f"Cannot order null; {_NULL_HINT}.")
    raise ExpressionError(f"Cannot order {kind(left)} and {kind(right)}; both must be numbers, or both text.")


def within(needle: Any, haystack: Any, budget: Budget) -> bool:
    """Whether a list has an element, a text a part, or an object a key."""
    if isinstance(haystack, str):
        if not isinstance(needle, str):
            raise ExpressionError(f"Cannot look for {kind(needle)} in text; use text().")
        budget.scan(len(haystack))
        return needle in haystack
    if is_list(haystack):
        return any(same(needle, item, budget) for item in haystack)
    if isinstance(haystack, dict):
        return isinstance(needle, str) and needle in haystack
    raise ExpressionError(f"Cannot look into {kind(haystack)}; a list, text or an object is needed.")


def fingerprint(value: Any, budget: Budget, depth: int = 100) -> Hashable:
    """Equal for values that are the same, and only for them."""
    budget.spend()
    if isinstance(value, bool) or value is None:
        return ("", value)
    if is_list(value):
        return ("list", *(fingerprint(item, budget, _deeper(depth)) for item in value))
    if isinstance(value, dict):
        inner = _deeper(depth)
        return ("object", frozenset((key, fingerprint(item, budget, inner)) for key, item in value.items()))
    if isinstance(value, str):
        budget.scan(len(value))
    return value if isinstance(value, Hashable) else repr(value)


def written(value: Any, budget: Budget) -> str:
    """A value as text: null is empty, lists and objects are JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(number(value)) if is_number(value) else as_json(value, budget)


def as_json(value: Any, budget: Budget) -> str:
    """A value as JSON text."""
    budget.weigh(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # a lone surrogate, a whole number beyond 64 bits, or a guest that is not JSON
        raise ExpressionError(f"The value cannot be written as JSON: {error}.") from error
