"""Fields of commands that hold an expression or a template: read when they are set, so mistakes show at once."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.expression import parse, parse_formula
from interlock.kit.expressions.lexer import LONGEST
from interlock.kit.expressions.templates import Template


def _checked(read: Callable[[str], Any]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            read(text)
        except ExpressionError as error:
            # The message may hold braces of its own, so it goes in as data.
            raise PydanticCustomError("expression", "{problem}", {"problem": str(error)}) from error
        return text

    return AfterValidator(check)


ExpressionText = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST, json_schema_extra={"x-language": "expression"}),
    _checked(parse),
]
"""Text of an expression, such as `score > 10 and 'vip' in tags`."""

FormulaText = Annotated[str, Field(min_length=1, max_length=LONGEST), _checked(parse_formula)]
"""Text of a formula, such as `{{Unit price}} * {{Quantity}}`."""

TemplateText = Annotated[str, Field(json_schema_extra={"x-language": "template"}), _checked(Template.parse)]
"""Text with expressions in `{{ }}`."""
