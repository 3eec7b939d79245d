"""Texts with expressions in them."""

import pytest
from pydantic import BaseModel, ValidationError

from interlock.kit.expressions import (
    Budget,
    ExpressionError,
    ExpressionText,
    FormulaText,
    Template,
    TemplateText,
    render_deep,
)

SCOPE = {"name": "Ada", "order": {"total": 12.0, "lines": [1, 2]}, "nothing": None}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain } text", "plain } text"),
        ("Dear {{ name }}, {{order.total}} due", "Dear Ada, 12 due"),
        ("{{ order }}{{ nothing }}", '{"total":12.0,"lines":[1,2]}'),
        ("{{ {a: {b: 1}} }}!", '{"a":{"b":1}}!'),
        ("{{ '}}' + '{{' }} ok", "}}{{ ok"),
        ("{{name}}{{name}}", "AdaAda"),
    ],
)
def test_it_renders(text: str, rendered: str) -> None:
    assert Template.parse(text).render(SCOPE) == rendered


def test_a_single_expression_keeps_its_native_value() -> None:
    assert Template.parse("{{ order.lines }}").value(SCOPE) == [1, 2]
    assert Template.parse("{{ nothing }}").value(SCOPE) is None
    assert Template.parse(" {{ order.lines }}").value(SCOPE) == " [1,2]"


def test_the_names_of_all_its_expressions() -> None:
    assert Template.parse("{{ a.b }} and {{ c }}").names() == {"a", "c"}
    assert Template.parse("a.b").names() == frozenset()


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [("ab {{ 1 + }}", "A value is needed before '}}'", 10), ("x {{ a", "never closed", 4), ("{{}}", "A value", 2)],
)
def test_a_mistake_is_placed_in_the_whole_text(text: str, message: str, position: int) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        Template.parse(text)
    assert caught.value.position == position


def test_a_structure_is_rendered_with_its_types() -> None:
    value = {"to": "{{ name }}", "sum": "{{ order.total }}", "list": ["{{ 1 + 1 }}", 3, None], "{{k}}": "x"}
    assert render_deep(value, SCOPE) == {"to": "Ada", "sum": 12.0, "list": [2, 3, None], "{{k}}": "x"}


def test_one_budget_covers_a_whole_structure() -> None:
    with pytest.raises(ExpressionError, match="too many steps"):
        render_deep(["{{ 1 + 1 }}"] * 10, {}, budget=Budget(steps=20))


class Fields(BaseModel):
    condition: ExpressionText = "true"
    formula: FormulaText = "1"
    prompt: TemplateText = ""


@pytest.mark.parametrize(
    ("field", "text"), [("condition", "a = {b}"), ("formula", "{{a}} +"), ("prompt", "hello {{ name")]
)
def test_a_field_names_the_mistake_and_its_place(field: str, text: str) -> None:
    with pytest.raises(ValidationError, match=r"at position \d"):
        Fields.model_validate({field: text})


def test_a_field_keeps_the_text_as_it_was_written() -> None:
    fields = Fields(condition="a  >1", formula="{{A b}}*2", prompt="hi {{ name }}")
    assert (fields.condition, fields.formula, fields.prompt) == ("a  >1", "{{A b}}*2", "hi {{ name }}")
