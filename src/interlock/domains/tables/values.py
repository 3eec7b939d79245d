"""Values of cells: checked against their column, read from the text of files, and turned from one type into another."""

import math
import re
from datetime import UTC, date, datetime
from typing import Any

from interlock.domains.tables.states import ColumnType
from interlock.domains.tables.views import Column, RowId
from interlock.kit.clock import iso_seconds

LONGEST_TEXT = 100_000
_LONGEST_NUMBER = 60
_LARGEST = 2**63
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,253}")
_URL = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_MONEY = re.compile(r"[$€£¥]")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")

EXPECTED = {
    ColumnType.TEXT: "text",
    ColumnType.NUMBER: "a number",
    ColumnType.SELECT: "one of its options",
    ColumnType.EMAIL: "an e-mail address such as ada@example.com",
    ColumnType.URL: "an address that begins with http:// or https://",
    ColumnType.DATE: "a date such as 2026-01-31 or 2026-01-31T12:00:00Z",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.COMPUTED: "nothing: it is computed",
    ColumnType.RELATION: "the id of a row, such as row_01h455vb4pex…",
}


class WrongValueError(ValueError):
    """A value that its column cannot hold; the message goes behind the column's name."""


def checked(column: Column, value: Any) -> Any:
    """The value as it is stored; strict about JSON types, since a program wrote it.

    Raises:
        WrongValueError: it does not fit.
    """
    if value is None:
        if column.required:
            raise WrongValueError("needs a value.")
        return None
    match column.type:
        case ColumnType.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _mismatch(column, value)
            return _number(column, value)
        case ColumnType.BOOLEAN:
            if not isinstance(value, bool):
                raise _mismatch(column, value)
            return value
        case ColumnType.COMPUTED:
            raise WrongValueError("is computed and cannot be written; leave it out.")
        case _:
            if not isinstance(value, str):
                raise _mismatch(column, value)
            return _text(column, value)


def _text(column: Column, value: str) -> str | None:
    if len(value) > LONGEST_TEXT:
        raise WrongValueError(f"holds at most {LONGEST_TEXT} characters.")
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise WrongValueError("holds a character that cannot be stored (NUL or half of a character).")
    if column.type is ColumnType.TEXT:
        return value
    if not value.strip():
        if column.required:
            raise WrongValueError("needs a value.")
        return None
    value = value.strip()
    if column.type is ColumnType.SELECT and value not in (column.options or ()):
        raise _mismatch(column, value)
    if column.type is ColumnType.EMAIL and _EMAIL.fullmatch(value) is None:
        raise _mismatch(column, value)
    if column.type is ColumnType.URL and _URL.fullmatch(value) is None:
        raise _mismatch(column, value)
    if column.type is ColumnType.DATE:
        return _date(column, value)
    return _row_id(column, value) if column.type is ColumnType.RELATION else value


def _mismatch(column: Column, value: Any) -> WrongValueError:
    shown = repr(value)
    expected = EXPECTED[column.type]
    if column.type is ColumnType.SELECT:
        options = ", ".join(f"'{option}'" for option in (column.options or ())[:20])
        expected = f"one of {options}" + (", …" if len(column.options or ()) > 20 else "")
    return WrongValueError(f"takes {expected}, not {shown if len(shown) <= 60 else shown[:57] + '…'}.")


def _number(column: Column, value: float) -> int | float:
    if isinstance(value, int):
        if -_LARGEST <= value < _LARGEST:
            return value
    elif math.isfinite(value):
        return value
    raise _mismatch(column, value)


def _date(column: Column, value: str) -> str:
    """A date as it is, a time in UTC: text that sorts as the moments do."""
    try:
        if len(value) <= 10:
            return date.fromisoformat(value).isoformat()
        moment = datetime.fromisoformat(value)
        return iso_seconds(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise _mismatch(column, value) from None


def _row_id(column: Column, value: str) -> str:
    try:
        return str(RowId.parse(value))
    except ValueError:
        raise _mismatch(column, value) from None


def converted(column: Column, value: Any) -> Any:
    """A value of another type, or the text of a file's cell, as this column holds it; lenient about spelling.

    Raises:
        WrongValueError: it means nothing to this column.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        is_empty_text = column.type is ColumnType.TEXT and not column.required
        return checked(column, value if is_empty_text else None)
    match column.type:
        case ColumnType.NUMBER:
            return checked(column, value if not isinstance(value, str | bool) else number_of(column, value))
        case ColumnType.BOOLEAN:
            word = str(value).strip().lower()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
            raise _mismatch(column, value)
        case ColumnType.DATE:
            return checked(column, iso_of(str(value)))
        case _:
            return checked(column, written(value))


def written(value: Any) -> str:
    """A value as the text of a cell."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)


def number_of(column: Column, value: Any) -> int | float:
    """A number written by people: `1,234.50`, `$5`, `12 %` (0.12), `(5)` is none."""
    if isinstance(value, bool):
        return int(value)
    text = _MONEY.sub("", value).replace("\u00a0", " ").strip()
    is_percent = text.endswith("%")
    text = text.removesuffix("%").strip()
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if len(text) > _LONGEST_NUMBER or not text.isascii() or _PLAIN_NUMBER.fullmatch(text) is None:
        raise _mismatch(column, value)
    number = int(text) if text.lstrip("+-").isdigit() else float(text)
    return float(repr(round(number / 100, 15))) if is_percent else number


def iso_of(text: str) -> str:
    """An ISO date from one written month/day/year or day.month.year; any other text as it is."""
    text = text.strip()
    if found := _AMERICAN.fullmatch(text):
        month, day, year = found.groups()
    elif found := _GERMAN.fullmatch(text):
        day, month, year = found.groups()
    else:
        return text
    return f"{year}-{int(month):02}-{int(day):02}"
