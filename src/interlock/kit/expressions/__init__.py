"""The one expression language: conditions, transforms, prompt templates, table formulas. Interpreted, never compiled.

    parse("score > 10 ? 'high' : 'low'").evaluate({"score": 12})        -> 'high'
    Template.parse("Dear {{ customer.name ?? 'you' }}").render(scope)
    parse_formula("{{Unit price}} * {{Quantity}}").names()              -> {'Unit price', 'Quantity'}

Missing keys of objects are null, and so is dividing by zero; a root name that is not there is an error, and so is
calculating or ordering with null. `and`, `or` and `??` give the operand that decided. Null, false, 0 and whatever is
empty are false. Numbers with a point are calculated as decimals: 0.1 + 0.2 is 0.3.
"""

from interlock.kit.expressions.budget import Budget
from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.expression import Expression, parse, parse_formula
from interlock.kit.expressions.fields import ExpressionText, FormulaText, TemplateText
from interlock.kit.expressions.templates import Template, render_deep
from interlock.kit.expressions.values import truth

__all__ = [
    "Budget",
    "Expression",
    "ExpressionError",
    "ExpressionText",
    "FormulaText",
    "Template",
    "TemplateText",
    "parse",
    "parse_formula",
    "render_deep",
    "truth",
]
