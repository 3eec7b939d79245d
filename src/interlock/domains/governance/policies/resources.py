"""What a call acts on, as policies and scopes name it: arguments found by name."""

from functools import lru_cache
from typing import Any


class Touched:
    """The resources that a call names, each looked up once however many rules ask."""

    __slots__ = ("_arguments", "_known")

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._known: dict[str, list[str]] = {}

    def values(self, name: str) -> list[str]:
        """The values of an argument as text, found by name (any case, singular or plural) or by dotted path.

        The leading `#` of a channel is no part of its name.
        """
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = _values(self._arguments, name)
        return known


def _values(arguments: dict[str, Any], name: str) -> list[str]:
    found: list[object] = []
    for wanted in _spellings(name):
        found += _lookup(arguments, wanted)
    values: list[str] = []
    while found:
        value = found.pop()
        if isinstance(value, list | tuple):
            found.extend(value)
        elif value is not None and not isinstance(value, dict):
            values.append(str(value).lstrip("#"))
    return values


@lru_cache(maxsize=1024)
def _spellings(name: str) -> tuple[str, ...]:
    folded = name.casefold()
    return (folded, folded[:-1]) if folded.endswith("s") else (folded, folded + "s")


def _lookup(arguments: dict[str, Any], wanted: str) -> list[object]:
    found: list[object] = []
    head, dot, rest = wanted.partition(".")
    for key, value in arguments.items():
        folded = key.casefold()
        if folded == wanted:
            found.append(value)
        elif dot and folded == head and isinstance(value, dict):
            found += _lookup(value, rest)
    return found
