"""Functions on text."""

from functools import lru_cache
from typing import Any

import orjson
import re2

from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.functions.registry import Function, Moment, declarer
from interlock.kit.expressions.values import as_json, is_list, is_number, kind, number, truth, within, written
from interlock.kit.json_text import without_nul

FUNCTIONS: dict[str, Function] = {}
function = declarer(FUNCTIONS)

_PATTERN_MEMORY = 1 << 20
_LONGEST_PATTERN = 1_000
_WORK_PER_STEP = 500
_NUL = "\\u0000"


@function("concat", "any*")
def concat(moment: Moment, *values: Any) -> str:
    """All values as one text; null adds nothing."""
    parts = [written(value, moment.budget) for value in values]
    moment.budget.make(sum(map(len, parts)))
    return "".join(parts)


@function("length", "any", aliases=("count",))
def length(moment: Moment, value: Any) -> int:
    """Characters of a text, elements of a list, keys of an object; null has none."""
    if value is None:
        return 0
    if isinstance(value, str | dict) or is_list(value):
        return len(value)
    raise ExpressionError(f"{kind(value)} has no length.")


@function("lower", "text")
def lower(moment: Moment, value: str) -> str:
    """In small letters."""
    return moment.budget.text(value.lower())


@function("upper", "text")
def upper(moment: Moment, value: str) -> str:
    """In capital letters."""
    return moment.budget.text(value.upper())


@function("trim", "text")
def trim(moment: Moment, value: str) -> str:
    """Without white space at its ends."""
    return moment.budget.text(value.strip())


@function("replace", "text", "text", "text")
def replace(moment: Moment, value: str, old: str, new: str) -> str:
    """With every occurrence of one text exchanged for another."""
    if not old:
        raise ExpressionError("the text to replace is empty.")
    moment.budget.scan(len(value))
    moment.budget.make(max(0, len(value) + value.count(old) * (len(new) - len(old))))
    return value.replace(old, new)


@function("split", "text", "text")
def split(moment: Moment, value: str, separator: str) -> list[str]:
    """The parts between separators; an empty separator gives the characters."""
    moment.budget.make(len(value) + (value.count(separator) if separator else len(value)))
    return moment.budget.container(value.split(separator) if separator else list(value))  # type: ignore[no-any-return]


@function("join", "list", "text?")
def join(moment: Moment, values: list[Any], separator: str = "") -> str:
    """The elements as one text."""
    moment.budget.spend(len(values))
    parts = [written(value, moment.budget) for value in values]
    moment.budget.make(sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1))
    return separator.join(parts)


@function("contains", "any", "any")
def contains(moment: Moment, haystack: Any, needle: Any) -> bool:
    """Whether a text has a part, a list an element, or an object a key; null has nothing."""
    return haystack is not None and within(needle, haystack, moment.budget)


@function("starts_with", "text", "text")
def starts_with(moment: Moment, value: str, start: str) -> bool:
    """Whether a text begins so."""
    moment.budget.scan(len(start))
    return value.startswith(start)


@function("ends_with", "text", "text")
def ends_with(moment: Moment, value: str, end: str) -> bool:
    """Whether a text ends so."""
    moment.budget.scan(len(end))
    return value.endswith(end)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    return re2.compile(pattern, options=options)


@function("matches", "text", "text")
def matches(moment: Moment, value: str, pattern: str) -> bool:
    """Whether a pattern occurs in a text (RE2: no look-around, no back-references; anchor with ^ and $)."""
    if len(pattern) > _LONGEST_PATTERN:
        raise ExpressionError(f"a pattern has at most {_LONGEST_PATTERN} characters.")
    moment.budget.scan(len(pattern))
    try:
        compiled = _compiled(pattern)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else ""
        reason = said.decode(errors="replace") if isinstance(said, bytes) else str(error)
        raise ExpressionError(f"'{pattern}' is no usable pattern: {reason}.") from error
    moment.budget.spend(1 + len(value) * compiled.programsize // _WORK_PER_STEP)
    try:
        return compiled.search(value) is not None
    except UnicodeEncodeError as error:
        raise ExpressionError("the text holds half of a character (a lone surrogate).") from error


@function("slice", "any", "integer", "integer?")
def slice_(moment: Moment, value: Any, start: int, end: int | None = None) -> Any:
    """From one position up to, but without, another; negative ones count from the end."""
    if isinstance(value, str):
        return moment.budget.text(value[start:end])
    if is_list(value):
        return moment.budget.container(list(value[start:end]))
    raise ExpressionError(f"{kind(value)} has no parts; a list or text is needed.")


@function("text", "any", aliases=("string",))
def text(moment: Moment, value: Any) -> str:
    """As text; null is empty, lists and objects are JSON."""
    return moment.budget.text(written(value, moment.budget))


@function("number", "any")
def number_(moment: Moment, value: Any) -> int | float:
    """As a number; text must be one, true is 1, false is 0."""
    if isinstance(value, bool):
        return int(value)
    if is_number(value):
        return value  # type: ignore[no-any-return]
    if not isinstance(value, str):
        raise ExpressionError(f"{kind(value)} is no number; give it a value with '??'.")
    trimmed = value.strip()
    moment.budget.scan(len(value))
    if not trimmed.isascii() or len(trimmed) > _LONGEST_PATTERN or "_" in trimmed:
        raise ExpressionError(f"'{trimmed[:40]}' is no number.")
    for read in (int, float):
        try:
            return number(read(trimmed))
        except ValueError as error:
            if isinstance(error, ExpressionError):
                raise
    raise ExpressionError(f"'{trimmed[:40]}' is no number.")


@function("boolean", "any")
def boolean(moment: Moment, value: Any) -> bool:
    """As true or false; text must be true, false, yes, no, 1 or 0; else null, 0 and what is empty are false."""
    if not isinstance(value, str):
        return truth(value)
    word = value.strip().lower() if len(value) < _LONGEST_PATTERN else value
    if word in {"true", "yes", "1"}:
        return True
    if word in {"false", "no", "0", ""}:
        return False
    raise ExpressionError(f"'{word[:40]}' is neither true nor false.")


@function("json", "any")
def json(moment: Moment, value: Any) -> str:
    """As JSON text."""
    return moment.budget.text(as_json(value, moment.budget))


@function("parse_json", "text")
def parse_json(moment: Moment, value: str) -> Any:
    """The value that a JSON text holds."""
    moment.budget.make(len(value))
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ExpressionError(f"the text is no JSON: {error}.") from error
    moment.budget.weigh(parsed)
    return without_nul(parsed) if _NUL in value else parsed
