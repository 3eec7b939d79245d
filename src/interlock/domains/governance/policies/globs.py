"""Glob matching in linear time: `*` for any text, `?` for one character, everything else literal."""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial

_WILD = frozenset("*?")


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text matches the pattern."""
    return _compiled(pattern)(text)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Callable[[str], bool]:
    """The pattern as a question about a text; between stars there are only fixed pieces, unless a `?` is among them."""
    if "?" in pattern:
        return partial(_walk, pattern)
    if "*" not in pattern:
        return pattern.__eq__
    head, *middle, tail = pattern.split("*")
    return partial(_pieces, head, tuple(piece for piece in middle if piece), tail)


def _pieces(head: str, middle: tuple[str, ...], tail: str, text: str) -> bool:
    """Whether the text begins, goes on and ends with these; each taken at its first place leaves most for the rest."""
    end = len(text) - len(tail)
    if end < len(head) or not text.startswith(head) or not text.endswith(tail):
        return False
    at = len(head)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _walk(pattern: str, text: str) -> bool:
    at, seen, star, resume = 0, 0, -1, 0
    while seen < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, seen
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[seen]):
            at += 1
            seen += 1
        elif star >= 0:
            resume += 1
            at, seen = star + 1, resume
        else:
            return False
    return all(char == "*" for char in pattern[at:])


class Globs:
    """Several patterns at once; plain names cost one set lookup.

    Args:
        patterns: the globs.
        fold: compare without regard to case.
    """

    __slots__ = ("_fold", "_names", "_patterns")

    def __init__(self, patterns: Iterable[str], *, fold: bool = False) -> None:
        known = [pattern.casefold() if fold else pattern for pattern in patterns]
        self._fold = fold
        self._names = frozenset(pattern for pattern in known if not _WILD.intersection(pattern))
        self._patterns = tuple(_compiled(pattern) for pattern in known if _WILD.intersection(pattern))

    def matches(self, text: str) -> bool:
        """Tell whether any pattern matches the whole text."""
        if self._fold:
            text = text.casefold()
        if text in self._names:
            return True
        for matches in self._patterns:  # noqa: SIM110 - on the path of every verdict, where a generator costs as much
            if matches(text):
                return True
        return False


class ToolGlobs:
    """Tools by name, by glob, or by namespace: `comms` covers `comms.send_email`."""

    __slots__ = ("_globs",)

    def __init__(self, patterns: Iterable[str], *, fold: bool = False) -> None:
        self._globs = Globs(patterns, fold=fold)

    def matches(self, tool: str) -> bool:
        """Tell whether the tool, or a namespace it lies in, is named."""
        if self._globs.matches(tool):
            return True
        namespace, dot, _ = tool.rpartition(".")
        while dot:
            if self._globs.matches(namespace):
                return True
            namespace, dot, _ = namespace.rpartition(".")
        return False
