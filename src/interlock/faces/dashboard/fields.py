"""From what a form sends to a command's values: empty fields are left out, lists and JSON are read."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson

from interlock.kit.errors import invalid


def given(form: Mapping[str, str], *names: str) -> dict[str, Any]:
    """These fields, without blanks around them, where they are not empty."""
    return {name: form[name].strip() for name in names if form.get(name, "").strip()}


def or_null(form: Mapping[str, str], *names: str) -> dict[str, Any]:
    """These fields; an empty one is None, which takes a value back."""
    return {name: form[name].strip() or None for name in names if name in form}


def flags(form: Mapping[str, str], *names: str) -> dict[str, bool]:
    """These checkboxes: what is not sent is not checked."""
    return {name: form.get(name) == "true" for name in names}


def words_of(form: Mapping[str, str], name: str) -> list[str]:
    """What a field lists, one a line or between commas."""
    return [word.strip() for line in form.get(name, "").splitlines() for word in line.split(",") if word.strip()]


def object_of(form: Mapping[str, str], name: str) -> dict[str, Any]:
    """The JSON object that a field holds; an empty one where it is empty.

    Raises:
        InterlockError: invalid, naming the field.
    """
    text = form.get(name, "").strip()
    try:
        value = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise invalid(f"This is no JSON: {error}.", field=name, hint='Write {"name": "value"}.') from error
    if not isinstance(value, dict):
        raise invalid("This must be a JSON object.", field=name, hint='Write {"name": "value"}.')
    return value


def moment_of(form: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime | None:
    """A moment that a control of the browser sends, which means the viewer's clock; None where it is empty.

    Raises:
        InterlockError: invalid, naming the field.
    """
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise invalid("This is no date and time.", field=name) from error


def query_without(query: Mapping[str, str], *names: str) -> str:
    """The other parameters, ready to be followed by one more: `?a=b&`."""
    from_here = {name: value for name, value in query.items() if name not in names}
    return "?" + _encoded(from_here.items())


def _encoded(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{quote(name, safe='')}={quote(value, safe='')}&" for name, value in pairs)
