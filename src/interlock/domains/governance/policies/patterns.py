"""Patterns that people write: matched by RE2 in time linear in the text, so that no pattern can stall the server.

Python's own engine backtracks: `(a+)+$` on forty letters would hold the event loop for hours.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import re2

_MEMORY = 1 << 20


class _Found(Protocol):
    def span(self) -> tuple[int, int]:
        """Start and end."""
        ...


class Pattern(Protocol):
    """A compiled pattern."""

    def finditer(self, text: str) -> Iterator[_Found]:
        """Every match, left to right, none overlapping."""
        ...


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


@lru_cache(maxsize=1024)
def compile_pattern(regex: str) -> Pattern:
    """A pattern ready for use.

    Raises:
        ValueError: it cannot be compiled; says why in words of its author.
    """
    try:
        pattern: Pattern = re2.compile(regex, options=_options())
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(
            f"not a usable pattern ({reason}); look-around and back-references are not supported"
        ) from error
    if any(True for _ in pattern.finditer("")):
        raise ValueError("the pattern matches the empty text, so it would match everywhere")
    return pattern


def spans(pattern: Pattern, text: str) -> list[tuple[int, int]]:
    """Where a pattern matches, empty matches left out."""
    return [(start, end) for start, end in (found.span() for found in pattern.finditer(text)) if end > start]
