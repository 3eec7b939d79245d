"""Whatever is written and whatever it is given: a value, or an ExpressionError; within the budget."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.kit.expressions import Budget, Expression, ExpressionError, Template, parse, parse_formula
from interlock.kit.expressions.evaluator import SPECIAL
from interlock.kit.expressions.functions import FUNCTIONS

WORDS = st.sampled_from(
    [
        *"+-*/%<>!?:.,()[]{}'\"\\ 1ab",
        *("==", "&&", "||", "??", "{{", "}}", " in ", " and ", " not ", "item", "0.5", "'x'", "null", "true", "[1,2]"),
        *(f"{name}(" for name in (*FUNCTIONS, *SPECIAL)),
    ]
)
SOUP = st.lists(WORDS, max_size=25).map("".join) | st.text(max_size=40)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3)
)


def _operation(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "in", "not in", "and", "or", "??"])
    calls = st.sampled_from([*FUNCTIONS, *SPECIAL])
    return (
        st.tuples(part, binary, part).map(lambda found: f"({found[0]}) {found[1]} ({found[2]})")
        | st.tuples(part, part, part).map(lambda found: f"({found[0]}) ? {found[1]} : {found[2]}")
        | st.tuples(calls, st.lists(part, max_size=3)).map(lambda found: f"{found[0]}({', '.join(found[1])})")
        | st.lists(part, max_size=3).map(lambda found: f"[{', '.join(found)}]")
        | st.tuples(part, part).map(lambda found: f"({found[0]})[{found[1]}]")
        | part.map(lambda found: f"{{a: {found}}}.a")
        | part.map(lambda found: f"-({found})")
        | part.map(lambda found: f"not ({found})")
    )


LEAVES = (
    st.sampled_from(["a", "b", "item", "null", "true", "'x'", "''", "1", "0", "2.5", "[]", "{}", "'2026-01-31'"])
    | st.integers(0, 2**63 - 1).map(str)
    | st.text(max_size=4).map(lambda text: orjson.dumps(text).decode())
)
EXPRESSIONS = st.recursive(LEAVES, _operation, max_leaves=12)


def attempt(function: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[Any, ExpressionError | None]:
    """The value or the error; any other exception is the test's failure."""
    try:
        return function(*arguments, **named), None
    except ExpressionError as error:
        return None, error


def _read(text: str) -> Expression | None:
    expression: Expression | None = attempt(parse, text)[0]
    return expression


@given(SOUP)
def test_reading_anything_raises_nothing_but_an_expression_error(text: str) -> None:
    for read in (parse, parse_formula, Template.parse):
        _, error = attempt(read, text)
        assert error is None or error.position is None or 0 <= error.position <= len(text)


@given(EXPRESSIONS)
def test_what_is_written_out_reads_as_the_same_tree(text: str) -> None:
    expression = _read(text)
    if expression is not None:
        assert parse(str(expression)) == expression
        assert parse_formula(expression.formula()) == expression
        assert Template.parse(f"{{{{ {expression} }}}}").parts == (expression,)


@given(EXPRESSIONS | SOUP, JSON, JSON)
def test_evaluating_gives_json_or_an_expression_error(text: str, a: Any, b: Any) -> None:
    expression = _read(text)
    if expression is None:
        return
    scope = {"a": a, "b": b, "now": "2026-01-31T10:00:00Z"}
    before = repr(scope)
    value, error = attempt(expression.evaluate, scope)
    if error is None:
        orjson.dumps(value)
    assert repr(attempt(expression.evaluate, scope)) == repr((value, error))
    assert repr(scope) == before


@given(EXPRESSIONS, JSON, JSON)
def test_only_the_names_it_tells_are_read(text: str, a: Any, b: Any) -> None:
    expression = _read(text)
    if expression is None:
        return
    scope = {"a": a, "b": b, "item": 1}
    needed = {name: scope[name] for name in expression.names()}
    assert repr(attempt(expression.evaluate, scope)) == repr(attempt(expression.evaluate, needed))


@given(st.integers(), st.integers())
def test_whole_numbers_are_exact_or_refused(a: int, b: int) -> None:
    value, error = attempt(parse("a * b - a").evaluate, {"a": a, "b": b})
    if error is None:
        assert value == a * b - a
    else:
        assert "too large" in error.message
        assert max(abs(a), abs(b), abs(a * b), abs(a * b - a)) >= 2**63


@given(st.decimals(min_value=-1000, max_value=1000, places=2), st.decimals(min_value=-1000, max_value=1000, places=2))
def test_decimals_add_and_multiply_as_written(a: Any, b: Any) -> None:
    scope = {"a": float(a), "b": float(b)}
    assert parse("a + b").evaluate(scope) == float(a + b)
    assert parse("a * b").evaluate(scope) == float(a * b)


def _doubling(levels: int) -> str:
    text = "1"
    for _ in range(levels):
        text = f"map([{text}], [item, item])"
    return text


HOSTILE = [
    "+".join(["1"] * 4_900),
    "a" + ".b" * 4_900,
    "[" * 49 + "1" + "]" * 49,
    f"json({_doubling(24)})",
    f"{_doubling(24)} == {_doubling(23)}",
    f"unique({_doubling(24)})",
    "replace(" * 20 + "'aaaaaaaaaa'" + ", 'a', 'aaaaaaaaaa')" * 20,
    "join(split(big, ''), big)",
    "map(list, map(list, map(list, item)))",
    "map(list, sort(list, -item))",
    "map(list, big == big + '')",
    "map(list, contains(big, 'b'))",
    "map(list, matches(big, '(a?){500}b'))",
    "map(list, json(list))",
    "filter(list, list == list)",
    "any(list, unique(list) == 1)",
    "map(list, upper(big))",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_expression_stays_within_its_budget(text: str) -> None:
    budget = Budget()
    scope = {"a": {}, "big": "a" * 100_000, "list": list(range(5_000))}
    value, error = attempt(parse(text).evaluate, scope, budget=budget)
    if error is None:
        assert len(orjson.dumps(value)) < 10_000_000
        assert min(budget.steps, budget.size) >= 0
    else:
        assert "too many steps" in error.message or "too much data" in error.message


@pytest.mark.parametrize("text", HOSTILE[3:6] + HOSTILE[8:])
def test_the_budget_ends_it(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"too many steps|too much data"):
        parse(text).evaluate({"big": "a" * 100_000, "list": list(range(5_000))})
