"""Money: exact to a nano-dollar inside, a JSON number outside."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from interlock.kit.money import MAXIMUM, Usd, from_nano, rounded, to_nano

NANOS = st.integers(min_value=0, max_value=int(MAXIMUM) * 10**9)
FINE = st.decimals(min_value=0, max_value=MAXIMUM, allow_nan=False, allow_infinity=False, places=30)


class Price(BaseModel):
    """A model with an amount."""

    amount: Usd


def read(text: str) -> Decimal:
    """An amount as it arrives in a body."""
    return Price.model_validate(orjson.loads(f'{{"amount":{text}}}')).amount


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_every_stored_number_is_one_amount(nano: int) -> None:
    assert to_nano(from_nano(nano)) == nano


@given(FINE)
@example(Decimal("0.1234567894999999999999999999999999999999"))
def test_finer_amounts_are_rounded_half_up_once(amount: Decimal) -> None:
    with localcontext() as exact:
        exact.prec = 100
        expected = int((amount * 10**9).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert to_nano(amount) == expected


@given(NANOS, NANOS)
def test_sums_of_stored_numbers_are_sums_of_amounts(one: int, two: int) -> None:
    assert from_nano(one) + from_nano(two) == from_nano(one + two)


@given(NANOS.filter(lambda nano: len(str(nano).strip("0")) <= 15))
def test_an_amount_survives_the_wire(nano: int) -> None:
    price = Price(amount=from_nano(nano))
    assert Price.model_validate(orjson.loads(price.model_dump_json())) == price


@pytest.mark.parametrize("text", ["0.1", "0.3", "1.1", "4.35", "0.000000001", "999999999.999999", "100", "0", "1e-9"])
def test_a_json_number_means_what_was_written(text: str) -> None:
    assert read(text) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["-0.01", "-1e-12", "1000000000.01", "1e300", '"NaN"', '"Infinity"', '"1e999999"', '"ten"']
)
def test_amounts_out_of_bounds_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        read(text)


@pytest.mark.parametrize("text", ["true", "null", "[]", "{}", '""', '"ten"'])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        read(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_floats_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        Price.model_validate({"amount": value})


def test_an_amount_is_a_number_on_the_wire_and_a_decimal_inside() -> None:
    price = Price(amount=Decimal("0.1"))
    assert price.model_dump_json() == '{"amount":0.1}'
    assert price.model_dump() == {"amount": Decimal("0.100000000")}
    assert isinstance(price.amount, Decimal)


@pytest.mark.parametrize(("amount", "shown"), [("0.00005", "0.0001"), ("0.00004999", "0.0000"), ("2.5", "2.5000")])
def test_shown_amounts_are_rounded_half_up(amount: str, shown: str) -> None:
    assert str(rounded(Decimal(amount))) == shown
