"""What expressions mean, case by case."""

from typing import Any

import pytest

from interlock.kit.expressions import ExpressionError, parse, parse_formula

SCOPE: dict[str, Any] = {
    "now": "2026-01-31T10:00:00Z",
    "order": {"lines": [1, 2, {"sku": "x"}], "in": 4, "paid": False, "unit price": 2.5},
    "nothing": None,
    "score": 12,
    "rows": [{"x": 3}, {"x": 1}, {"x": None}],
    "$json": {"a": 1},
}

VALUES: list[tuple[str, Any]] = [
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("10 - 2 - 3", 5),
    ("-2 - 1", -3),
    ("0.1 + 0.2", 0.3),
    ("0.1 * 3 == 0.3", True),
    ("6 / 2", 3),
    ("7 / 2", 3.5),
    ("1 / 0", None),
    ("5 % 0", None),
    ("7 % 3 - -2", 3),
    ("-7 % 3", 2),
    ("2.5 % -1", -0.5),
    ("1e3", 1000.0),
    ("'it\\'s' + \" ok\\n\"", "it's ok\n"),
    ("'\\ud83d\\ude00'", "😀"),
    ("'a' + 1 + true", "a1true"),
    ("order.lines[2].sku", "x"),
    ("order['unit price']", 2.5),
    ("order.lines[-1]['sku']", "x"),
    ("order.lines[9]", None),
    ("order.in", 4),
    ("order.missing.deeper[0]", None),
    ("order?.missing?.deeper", None),
    ("$json.a", 1),
    ("score > 10 ? 'high' : 'low'", "high"),
    ("score > 20 ? 'a' : score > 10 ? 'b' : 'c'", "b"),
    ("if(score > 20, 1 / nothing, 'safe')", "safe"),
    ("if(false, 1)", None),
    ("not score == 12", False),
    ("!score == 12", False),
    ("true && !false || false", True),
    ("nothing ?? order.missing ?? 'default'", "default"),
    ("default(nothing, 0)", 0),
    ("coalesce(nothing, false, 1)", False),
    ("'' or 'x'", "x"),
    ("0 and nothing.boom", 0),
    ("1 == 1.0", True),
    ("true == 1", False),
    ("[1, {a: 2}] == [1.0, {'a': 2}]", True),
    ("nothing == null", True),
    ("'b' > 'a' and 2 >= 2 and 1 != 2 and 1 <= 2", True),
    ("3 in [1, 3]", True),
    ("3 not in [1, 3]", False),
    ("'ell' in 'hello'", True),
    ("'paid' in order", True),
    ("{a: 1, 'b c': [2]}", {"a": 1, "b c": [2]}),
    ("[1, 2,]", [1, 2]),
    ("map(rows, item.x ?? 0)", [3, 1, 0]),
    ("map(['a', 'b'], item + index)", ["a0", "b1"]),
    ("map([1, 2], map([10], item + index))", [[10], [10]]),
    ("filter(rows, (item.x ?? 0) > 1)", [{"x": 3}]),
    ("find(rows, item.x == 1)", {"x": 1}),
    ("find(rows, item.x == 7)", None),
    ("any(rows, item.x == 1)", True),
    ("all(rows, item.x == 1)", False),
    ("any([0, 1])", True),
    ("all([])", True),
    ("sort([3, 1, null, 2])", [1, 2, 3, None]),
    ("sort(rows, item.x, 'desc')", [{"x": 3}, {"x": 1}, {"x": None}]),
    ("sum(map(rows, item.x))", 4),
    ("sum(1, 2.5)", 3.5),
    ("avg([1, null, 2])", 1.5),
    ("avg([])", None),
    ("min('b', 'a')", "a"),
    ("max([1, 3, 2])", 3),
    ("count(rows) + length('abc') + count(null)", 6),
    ("round(2.345, 2)", 2.35),
    ("round(-0.5)", -1),
    ("round(1234, -2)", 1200),
    ("floor(-1.5) + ceil(1.2) + abs(-3)", 3),
    ("concat('a', 1, null, true, 2.0)", "a1true2"),
    ("upper(lower(trim(' aB ')))", "AB"),
    ("replace('aaa', 'a', 'bb')", "bbbbbb"),
    ("split('a,b', ',')", ["a", "b"]),
    ("join([1, null, 'x'], '-')", "1--x"),
    ("contains('abc', 'b') and contains([1], 1) and not contains(null, 1)", True),
    ("starts_with('abc', 'ab') and ends_with('abc', 'bc')", True),
    ("matches('abc', '^a.c$')", True),
    ("slice('hello', 1, -1)", "ell"),
    ("slice([1, 2, 3], 1)", [2, 3]),
    ("number(' 12 ') + number('1.5')", 13.5),
    ("text({a: [1]})", '{"a":[1]}'),
    ("boolean('No')", False),
    ("parse_json(json({a: 1}))", {"a": 1}),
    ("keys({a: 1, b: 2})", ["a", "b"]),
    ("values({a: 1, b: 2})", [1, 2]),
    ("get(order, 'lines[2].sku')", "x"),
    ("get(order, 'lines.7', 'none')", "none"),
    ("first([1, 2]) + last([1, 2])", 3),
    ("first([])", None),
    ("unique([1, 1.0, true, '1', {a: 1}, {a: 1}])", [1, True, "1", {"a": 1}]),
    ("merge({a: 1}, {a: 2, b: 3})", {"a": 2, "b": 3}),
    ("flatten([1, [2, [3]]])", [1, 2, [3]]),
    ("today()", "2026-01-31"),
    ("now()", "2026-01-31T10:00:00Z"),
    ("days_between('2026-01-01', today())", 30),
    ("daysBetween('2026-02-01', '2026-01-31T23:00:00Z')", -1),
    ("date_add('2026-01-31', 1, 'month')", "2026-02-28"),
    ("date_add(now(), -90, 'minutes')", "2026-01-31T08:30:00Z"),
    ("date_add('2026-01-31', 2)", "2026-02-02"),
    ("format_date(now(), 'dddd, D MMM YYYY [at] hh:mm A')", "Saturday, 31 Jan 2026 at 10:00 AM"),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_it_means(text: str, value: Any) -> None:
    expression = parse(text)
    found = expression.evaluate(SCOPE)
    assert (found, type(found)) == (value, type(value))
    assert parse(str(expression)) == expression


REFUSED: list[tuple[str, str, int | None]] = [
    ("", "A value is needed before the end", 0),
    ("a ==", "A value is needed", 4),
    ("a = b", "equality is '=='", 2),
    ("(1", "')' is needed before the end", 2),
    ("[1 2]", "']' is needed before '2'", 3),
    ("5 5", "an operator is missing", 2),
    ("1 < 2 < 3", "Join comparisons with 'and'", 6),
    ("'abc", "never closed", 0),
    ("'\\q'", "no known escape", 1),
    ("'\\ud800'", "half of a character", 0),
    ("{a: 1, a: 2}", "is there twice", 7),
    ("{1: 2}", "a key", 1),
    ("uper('a')", "did you mean 'upper'?", 0),
    ("round()", "takes 1 to 2 arguments, not 0", 0),
    ("item.in + in", "A value is needed before 'in'", 10),
    ("9223372036854775808", "too large", 0),
    ("1e999", "too large", 0),
    ("#", "has no meaning", 0),
    ("((((" * 15 + "1" + "))))" * 15, "nested more than 50", 50),
    ("!" * 60 + "1", "nested more than 50", 50),
    ("1" + " " * 10_001, "at most 10000 characters", None),
]


@pytest.mark.parametrize(("text", "message", "position"), REFUSED)
def test_it_is_refused_with_a_reason_and_a_place(text: str, message: str, position: int | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message.lower() in caught.value.message.lower()
    if position is not None:
        assert caught.value.position == position


FAILING: list[tuple[str, str, int]] = [
    ("1 + nothing", "give it a value with '??'", 2),
    ("'a' + nothing", "Cannot add null to text", 4),
    ("1 + [2]", "with a list", 2),
    ("true + 1", "with a boolean", 5),
    ("1 < nothing", "Cannot order null", 2),
    ("1 < 'a'", "both must be numbers, or both text", 2),
    ("missing", "known are: $json, nothing, now, order, rows, score", 0),
    ("score.x", "A number has no parts", 6),
    ("order.lines.x", "named by a whole number", 12),
    ("1 in 5", "Cannot look into a number", 2),
    ("-'a'", "Cannot negate text", 0),
    ("upper(1)", "argument 1 must be text, not a number", 0),
    ("1 + upper(1)", "argument 1 must be text", 4),
    ("map(1, item)", "must be a list", 0),
    ("sort([1, 'a'])", "Cannot order", 0),
    ("sum(['a'])", "cannot be summed", 0),
    ("number('x')", "'x' is no number", 0),
    ("number(null)", "null is no number", 0),
    ("boolean('maybe')", "neither true nor false", 0),
    ("parse_json('{')", "no JSON", 0),
    ("matches('a', '(')", "no usable pattern", 0),
    ("matches('a', '(?=a)')", "no usable pattern", 0),
    ("get(order, 'a..b')", "no path", 0),
    ("date_add('2026-01-01', 99999999, 'years')", "outside of the years", 0),
    ("date_add('2026-01-01', 1, 'fortnight')", "is no unit", 0),
    ("days_between('soon', 'later')", "is no date", 0),
    ("9223372036854775807 + 1", "too large", 20),
    ("1e308 * 1e308", "too large", 6),
]


@pytest.mark.parametrize(("text", "message", "position"), FAILING)
def test_it_fails_with_a_reason_and_a_place(text: str, message: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text).evaluate(SCOPE)
    assert message in caught.value.message
    assert caught.value.position == position


def test_the_time_must_be_given() -> None:
    with pytest.raises(ExpressionError, match="the time is not known"):
        parse("today()").evaluate({})


def test_root_names_are_known_without_evaluating() -> None:
    assert parse("a.b + map(rows, item.x + index + c)[d] + now()").names() == {"a", "rows", "c", "d"}
    assert parse("item + 1").names() == {"item"}
    assert parse("map(item, item)").names() == {"item"}


def test_a_formula_names_columns_with_spaces() -> None:
    formula = parse_formula("{{ Unit price }} * {{Qty}} + tax")
    assert formula.names() == {"Unit price", "Qty", "tax"}
    assert formula.evaluate({"Unit price": 2.5, "Qty": 2, "tax": 1}) == 6.0
    assert parse_formula(formula.formula()) == formula
    assert parse_formula(str(formula)) == formula


@pytest.mark.parametrize("text", ["{{}} + 1", "{{a", "{{ }}"])
def test_a_broken_reference_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="reference is a name"):
        parse_formula(text)
