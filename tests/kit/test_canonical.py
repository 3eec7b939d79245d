"""One spelling per JSON value."""

import hashlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.kit.canonical import canonical_json, digest

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)


def shuffled(value: Any, order: Any) -> Any:
    """The same value with every object's keys in another order."""
    if isinstance(value, dict):
        items = [(name, shuffled(item, order)) for name, item in value.items()]
        order.shuffle(items)
        return dict(items)
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@given(VALUES, st.randoms())
def test_key_order_does_not_matter(value: Any, order: Any) -> None:
    assert canonical_json(shuffled(value, order)) == canonical_json(value)


@given(VALUES)
def test_the_bytes_are_json_of_the_same_value_and_stable(value: Any) -> None:
    raw = canonical_json(value)
    again = orjson.loads(raw)
    assert again == value
    assert canonical_json(again) == raw
    assert json.loads(raw) == value


@given(VALUES, VALUES)
def test_different_values_have_different_bytes(one: Any, two: Any) -> None:
    if canonical_json(one) == canonical_json(two):
        assert one == two


@given(VALUES)
def test_the_digest_is_sha256_of_the_bytes(value: Any) -> None:
    assert digest(value) == hashlib.sha256(canonical_json(value)).hexdigest()


def test_the_spelling_is_fixed() -> None:
    # Stored hashes depend on these bytes: a change here breaks every ledger.
    value = {"b": [1, 2.5, True, None], "a": {"ü": "é\n", "z": ""}}
    assert canonical_json(value) == '{"a":{"z":"","ü":"é\\n"},"b":[1,2.5,true,null]}'.encode()
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_where_the_spelling_is_not_that_of_rfc_8785() -> None:
    value = {"\U0001f600": [1.0, -0.0, 1e16, 1e-6, 2**63], "\ufb33": 1}
    assert canonical_json(value).decode() == '{"\ufb33":1,"\U0001f600":[1.0,-0.0,1e+16,1e-6,9223372036854775808]}'


@pytest.mark.parametrize("value", [{1: "number as key"}, {"x": object()}, {"x": {1, 2}}, "\ud800", {"big": 2**64}])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)
