"""What readers make of a file, and how they say that they cannot."""

import re
from dataclasses import dataclass
from typing import NamedTuple

LONGEST_TEXT = 5_000_000
"""Most bytes of text (UTF-8) that one document may hold."""
LONGEST_LOCATOR = 300
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_BREAKS = re.compile("\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_EMPTY_LINES = re.compile(r"\n{3,}")


class UnreadableError(Exception):
    """A file that cannot become text.

    Args:
        code: for programs.
        message: for people; one sentence, with the remedy where there is one.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Section(NamedTuple):
    """A part of a document that has a place of its own: a page, or what stands under a heading."""

    locator: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """A file's text, in order, and its number of pages where it has any."""

    sections: tuple[Section, ...]
    pages: int | None = None


def cleaned(text: str) -> str:
    """Text that every database takes: no control characters or half surrogates, lines ended by newlines alone."""
    text = text.encode("utf-8", "replace").decode()
    text = _CONTROL.sub("", _BREAKS.sub("\n", text))
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return _EMPTY_LINES.sub("\n\n", lines).strip()


def outline(titles: dict[int, str], level: int, title: str) -> str:
    """Where a heading stands, as `Chapter > Section`; keeps the open headings in `titles`."""
    for deeper in [known for known in titles if known >= level]:
        del titles[deeper]
    titles[level] = " ".join(title.split())
    return " > ".join(titles[known] for known in sorted(titles) if titles[known])[:LONGEST_LOCATOR]
