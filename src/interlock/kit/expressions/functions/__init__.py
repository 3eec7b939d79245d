"""The functions of the language, by what they work on; all total: a result or an ExpressionError."""

from interlock.kit.expressions.functions import dates, lists, numbers, objects, texts
from interlock.kit.expressions.functions.registry import Function, Moment

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for module in (texts, numbers, lists, objects, dates)
    for function in module.FUNCTIONS.values()
}

__all__ = ["FUNCTIONS", "Function", "Moment"]
