"""What a call acts on, as policies and scopes name it: arguments found by name."""

import re
from functools import lru_cache
from typing import Any

from interlock.domains.governance.policies.detectors import find_emails

_BETWEEN_ADDRESSES = re.compile(r"[,;\n]")


class Touched:
    """The resources that a call names, each looked up once however many rules ask."""

    __slots__ = ("_arguments", "_known", "_single")

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._known: dict[str, list[str]] = {}
        self._single: dict[str, list[str]] = {}

    def values(self, name: str) -> list[str]:
        """The values of an argument as text, found by name (any case, singular or plural) or by dotted path.

        The leading `#` of a channel is no part of its name.
        """
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = _values(self._arguments, name)
        return known

    def each(self, name: str) -> list[str]:
        """The same with lists of mail addresses taken apart, so that no address hides behind another."""
        known = self._single.get(name)
        if known is None:
            known = self._single[name] = [single for value in self.values(name) for single in _singles(value)]
        return known


def _singles(value: str) -> list[str]:
    if "@" not in value or "://" in value:
        return [value]
    found: list[str] = []
    for part in _BETWEEN_ADDRESSES.split(value):
        addresses = [part[start:end] for start, end in find_emails(part)]
        found += addresses or [part.strip()]
        if part.count("@") > max(len(addresses), 1):
            found.append(part + "\n")  # nobody can say whom this reaches: only `*` covers it
    return [single for single in found if single]


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
