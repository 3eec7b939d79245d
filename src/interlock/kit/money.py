"""Money is Decimal US dollars, stored as whole nano-dollars; floats appear only at the outermost wire."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

NANO = Decimal("0.000000001")
ZERO = Decimal(0)
MAXIMUM = Decimal(1_000_000_000)


def to_nano(amount: Decimal) -> int:
    """Whole nano-dollars, rounding half up."""
    return int(amount.quantize(NANO, rounding=ROUND_HALF_UP).scaleb(9))


def from_nano(nano: int) -> Decimal:
    """Dollars from whole nano-dollars, exactly."""
    return Decimal(nano).scaleb(-9)


def rounded(amount: Decimal, places: int = 4) -> Decimal:
    """The amount as shown to people and programs, half up."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def exact(told: object) -> Decimal:
    """An amount as JSON or text tells it; what is no amount counts as nothing."""
    try:
        amount = Decimal(str(told))
    except InvalidOperation:
        return ZERO
    return amount if ZERO <= amount <= MAXIMUM else ZERO


def _exact(value: object) -> object:
    """A JSON number arrives as float; its shortest text is what the sender wrote."""
    return str(value) if isinstance(value, float) else value


Usd = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, le=MAXIMUM, allow_inf_nan=False),
    AfterValidator(lambda amount: from_nano(to_nano(amount))),
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": int(MAXIMUM)}),
]
"""A non-negative amount of US dollars, at most a billion, exact to a nano-dollar; a number on the wire."""
