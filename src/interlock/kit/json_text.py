"""JSON from outside: parsed with limits, and checked for what no database can hold."""

from typing import Any

import orjson

from interlock.kit.errors import invalid, malformed

_NUL_ESCAPE = b"\\u0000"


def parse_json(raw: bytes, *, max_depth: int) -> Any:
    """The JSON value of a body.

    Raises:
        InterlockError: malformed when it is no JSON or nested too deeply; invalid when a string holds a NUL character.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise malformed(f"The body is not valid JSON: {error}.", hint="Send UTF-8 JSON.") from error
    if raw.count(b"[") + raw.count(b"{") > max_depth:
        _check_depth(value, max_depth)
    if _NUL_ESCAPE in raw:
        _check_nul(value, "body")
    return value


def without_nul(value: Any) -> Any:
    """A JSON value in which U+FFFD stands for every NUL character, which PostgreSQL does not keep."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    if isinstance(value, dict):
        return {without_nul(name): without_nul(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nul(item) for item in value]
    return value


def _check_depth(value: Any, max_depth: int) -> None:
    level = [value]
    for _ in range(max_depth):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise malformed(f"The body is nested deeper than {max_depth} levels.", hint="Flatten it.", max_depth=max_depth)


def _check_nul(value: Any, path: str) -> None:
    pending: list[tuple[str, Any]] = [(path, value)]
    while pending:
        where, item = pending.pop()
        if isinstance(item, str):
            if "\x00" in item:
                raise invalid(f"'{where}' holds a NUL character, which cannot be stored.", field=where)
        elif isinstance(item, dict):
            if any("\x00" in name for name in item):
                raise invalid(f"A field name in '{where}' holds a NUL character.", field=where)
            pending.extend((f"{where}.{name}", child) for name, child in item.items())
        elif isinstance(item, list):
            pending.extend((f"{where}[{index}]", child) for index, child in enumerate(item))


def _children(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return [child for child in item.values() if isinstance(child, dict | list)]
    if isinstance(item, list):
        return [child for child in item if isinstance(child, dict | list)]
    return []
