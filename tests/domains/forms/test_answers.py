"""Answers against fields: what fits is kept in its type, what does not is named with its remedy."""

import math
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.forms.answers import checked
from interlock.domains.forms.states import FieldType
from interlock.domains.forms.views import FormField
from interlock.kit.errors import InterlockError, Kind


def field(kind: str, **values: Any) -> FormField:
    options = {"options": ["a", "b"]} if kind == "select" else {}
    return FormField.model_validate({"name": "x", "type": kind, **options, **values})


def refused(entry: FormField, value: Any) -> str:
    with pytest.raises(InterlockError) as caught:
        checked([entry], {"x": value})
    assert caught.value.kind is Kind.INVALID
    assert caught.value.data["field"] == "x"
    (problem,) = caught.value.data["problems"]
    return str(problem["problem"])


@pytest.mark.parametrize(
    ("kind", "given_value", "kept"),
    [
        ("text", " as it is ", " as it is "),
        ("textarea", "two\r\nlines", "two\nlines"),
        ("select", "b", "b"),
        ("email", " ada@example.com ", "ada@example.com"),
        ("number", 3, 3),
        ("number", 2.5, 2.5),
        ("number", " -12 ", -12),
        ("number", "1.50", 1.5),
        ("number", "2e3", 2000.0),
        ("date", "2028-02-29", "2028-02-29"),
        ("boolean", True, True),
        ("boolean", "no", False),
        ("checkbox", "on", True),
        ("checkbox", False, False),
    ],
)
def test_what_fits_is_kept_in_the_fields_type(kind: str, given_value: Any, kept: Any) -> None:
    value = checked([field(kind, required=kind != "checkbox")], {"x": given_value})["x"]
    assert (value, type(value)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("kind", "given_value", "words"),
    [
        ("text", 5, "must be text"),
        ("text", "x" * 2_001, "shorten it to 2000"),
        ("text", "a\x00b", "NUL"),
        ("select", "c", "choose one of 'a', 'b'"),
        ("select", ["a"], "choose one of"),
        ("email", "ada@example", "name@example.com"),
        ("email", "a b@example.com", "name@example.com"),
        ("number", "twelve", "such as 12"),
        ("number", True, "such as 12"),
        ("number", "١٢", "such as 12"),
        ("number", math.inf, "too large"),
        ("number", 2**60, "too large"),
        ("number", "1e999", "too large"),
        ("date", "2027-02-29", "day of the calendar"),
        ("date", "01/02/2027", "day of the calendar"),
        ("date", 20270101, "day of the calendar"),
        ("boolean", "maybe", "true or false"),
        ("boolean", 1, "true or false"),
    ],
)
def test_what_does_not_fit_is_told_with_its_remedy(kind: str, given_value: Any, words: str) -> None:
    assert words in refused(field(kind), given_value)


@pytest.mark.parametrize("kind", list(FieldType))
@pytest.mark.parametrize("nothing", [None, "", "  \n "])
def test_nothing_is_refused_where_an_answer_is_required_and_left_out_elsewhere(kind: FieldType, nothing: Any) -> None:
    assert refused(field(kind, required=True), nothing)
    assert checked([field(kind)], {"x": nothing}) == ({"x": False} if kind is FieldType.CHECKBOX else {})
    assert checked([field(kind)], {}) == ({"x": False} if kind is FieldType.CHECKBOX else {})


def test_a_required_checkbox_must_be_ticked_and_a_required_question_may_be_answered_no() -> None:
    assert refused(field("checkbox", required=True), False) == "must be ticked"
    assert checked([field("boolean", required=True)], {"x": False}) == {"x": False}


def test_every_problem_is_told_at_once_and_what_no_field_asks_for_is_refused() -> None:
    fields = [field("number"), FormField(name="y", type=FieldType.TEXT, required=True)]
    with pytest.raises(InterlockError) as caught:
        checked(fields, {"x": "?", "z": 1})
    assert [problem["field"] for problem in caught.value.data["problems"]] == ["x", "y", "z"]
    assert "2 more" in caught.value.message


def test_all_answers_together_have_a_limit() -> None:
    fields = [FormField(name=f"f{n}", type=FieldType.TEXTAREA, max_length=100_000) for n in range(6)]
    with pytest.raises(InterlockError) as caught:
        checked(fields, {entry.name: "x" * 100_000 for entry in fields})
    assert caught.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"type": "select"}, "needs options"),
        ({"type": "text", "options": ["a"]}, "only a select"),
        ({"type": "select", "options": ["a", "a"]}, "twice"),
        ({"type": "number", "max_length": 3}, "no max_length"),
        ({"type": "checkbox", "placeholder": "x"}, "no placeholder"),
        ({"type": "text", "name": "_token"}, "pattern"),
        ({"type": "text", "name": "a\nb"}, "pattern"),
        ({"type": "colour"}, "Input should be"),
    ],
)
def test_a_field_that_contradicts_itself_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FormField.model_validate({"name": "x", **values})


FIELDS = st.lists(
    st.builds(
        lambda name, kind, required: FormField.model_validate(
            {"name": name, "type": kind, "required": required, "options": ["a", "b"] if kind == "select" else []}
        ),
        st.sampled_from(["a", "b c", "ü", "d"]),
        st.sampled_from([kind.value for kind in FieldType]),
        st.booleans(),
    ),
    unique_by=lambda entry: entry.name,
    min_size=1,
)
ANSWERS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["a", "12", "2028-02-29", "yes", "ada@example.com", "1e5"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(FIELDS, st.dictionaries(st.sampled_from(["a", "b c", "ü", "d", "e"]), ANSWERS))
def test_whatever_is_sent_is_kept_as_it_can_be_stored_or_refused_by_name(
    fields: list[FormField], data: dict[str, Any]
) -> None:
    kept, refusal = None, None
    try:
        kept = checked(fields, data)
    except InterlockError as error:
        refusal = error
    if kept is None:
        assert refusal is not None
        assert refusal.kind is Kind.INVALID
        assert {problem["field"] for problem in refusal.data["problems"]} <= {item.name for item in fields} | set(data)
        return
    assert orjson.loads(orjson.dumps(kept)) == kept
    assert checked(fields, kept) == kept, "what was kept would be taken again"
    for entry in fields:
        value = kept.get(entry.name)
        assert not (entry.required and value is None)
        if value is not None and entry.type is FieldType.DATE:
            assert date.fromisoformat(value).isoformat() == value
        if value is not None and entry.type is FieldType.SELECT:
            assert value in entry.options
