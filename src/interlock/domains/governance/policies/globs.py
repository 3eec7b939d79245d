"""Glob matching in linear time: `*` for any text, `?` for one character, everything else literal."""

from collections.abc import Iterable

_WILD = frozenset("*?")


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text matches the pattern."""
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
        self._patterns = tuple(pattern for pattern in known if _WILD.intersection(pattern))

    def matches(self, text: str) -> bool:
        """Tell whether any pattern matches the whole text."""
        if self._fold:
            text = text.casefold()
        return text in self._names or any(glob_matches(pattern, text) for pattern in self._patterns)


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
