"""Answers against the fields of a form: what is asked for is there, and of its type. Pure."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NoReturn

import orjson

from interlock.domains.forms.errors import too_much, wrong_answers
from interlock.domains.forms.states import FieldType
from interlock.domains.forms.views import FormField

MOST_BYTES = 500_000
_DEFAULT_LENGTH = {FieldType.TEXT: 2_000, FieldType.TEXTAREA: 20_000, FieldType.EMAIL: 254}
_MOST_EXACT = 2**53
_SHOWN_OPTIONS = 20
_MOST_PROBLEMS = 50
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# One @, no blanks, a dot in the domain: what a mail server says in the end no pattern knows.
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_WORDS = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}

Reader = Callable[[FormField, Any], Any]


def checked(fields: Sequence[FormField], given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers in the order of the fields, each of its field's type; what was left empty is left out.

    Text stands for a number, a date or a yes wherever it reads as one, because an HTML form sends nothing but text.

    Raises:
        InterlockError: invalid, with every problem and its field; too large.
    """
    answers: dict[str, Any] = {}
    problems: list[dict[str, str]] = []
    for field in fields:
        try:
            value = _answer(field, given.get(field.name))
        except ValueError as error:
            problems.append({"field": field.name, "problem": str(error)})
        else:
            if value is not None:
                answers[field.name] = value
    unknown = sorted(set(given) - {field.name for field in fields})
    problems += [{"field": name[:100], "problem": "the form has no such field; leave it out"} for name in unknown]
    if problems:
        raise wrong_answers(problems[:_MOST_PROBLEMS])
    if len(orjson.dumps(answers)) > MOST_BYTES:
        raise too_much(MOST_BYTES)
    return answers


def _answer(field: FormField, value: Any) -> Any:
    """One answer, None where there is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        if field.type is FieldType.CHECKBOX and not field.required:
            return False
        if field.required:
            _refuse(_WANTED.get(field.type, "an answer is required"))
        return None
    if isinstance(value, str) and "\x00" in value:
        _refuse("holds a character that cannot be stored (NUL)")
    return _READERS[field.type](field, value)


def _refuse(problem: str) -> NoReturn:
    raise ValueError(problem)


def _text(field: FormField, value: Any) -> str:
    if not isinstance(value, str):
        _refuse("must be text")
    text = value.replace("\r\n", "\n")
    limit = field.max_length or _DEFAULT_LENGTH[field.type]
    if len(text) > limit:
        _refuse(f"is {len(text)} characters long; shorten it to {limit}")
    return text


def _email(field: FormField, value: Any) -> str:
    text = _text(field, value).strip()
    if _EMAIL.fullmatch(text) is None:
        _refuse("must be an e-mail address, such as name@example.com")
    return text


def _option(field: FormField, value: Any) -> str:
    if not isinstance(value, str) or value not in field.options:
        shown = ", ".join(f"'{option}'" for option in field.options[:_SHOWN_OPTIONS])
        more = ", …" if len(field.options) > _SHOWN_OPTIONS else ""
        _refuse(f"is not among the options; choose one of {shown}{more}")
    return value


def _number(_field: FormField, value: Any) -> int | float:
    number = value
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text) is None:
            _refuse("must be a number, such as 12 or 3.5")
        number = int(text) if text.lstrip("+-").isdecimal() else float(text)
    if isinstance(number, bool) or not isinstance(number, int | float):
        _refuse("must be a number, such as 12 or 3.5")
    if not math.isfinite(number) or (isinstance(number, int) and abs(number) > _MOST_EXACT):
        _refuse("is too large a number to be kept exactly")
    return number


def _date(_field: FormField, value: Any) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            pass
    _refuse("must be a day of the calendar, written as 2026-08-31")


def _yes_or_no(field: FormField, value: Any) -> bool:
    answer = value
    if isinstance(value, str):
        answer = _WORDS.get(value.strip().lower())
    if not isinstance(answer, bool):
        _refuse("must be true or false")
    if field.type is FieldType.CHECKBOX and field.required and not answer:
        _refuse(_WANTED[FieldType.CHECKBOX])
    return answer


_WANTED = {
    FieldType.CHECKBOX: "must be ticked",
    FieldType.SELECT: "an answer is required; choose one of the options",
    FieldType.BOOLEAN: "an answer is required; choose yes or no",
}
_READERS: dict[FieldType, Reader] = {
    FieldType.TEXT: _text,
    FieldType.TEXTAREA: _text,
    FieldType.SELECT: _option,
    FieldType.EMAIL: _email,
    FieldType.NUMBER: _number,
    FieldType.DATE: _date,
    FieldType.BOOLEAN: _yes_or_no,
    FieldType.CHECKBOX: _yes_or_no,
}
