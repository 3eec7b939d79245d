"""Cuts a text into passages of a size that a model reads well: at headings and paragraphs, else at sentences.

Sizes are bytes of UTF-8: about four to a token in English, and a fair guess in scripts where a letter is a token.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from interlock.domains.documents.reading.content import Section, cleaned

LARGEST = 1_100
"""Most bytes of a passage, overlap included: some 250 tokens, which is as far as the embedded model reads."""
_FULL = 850
_SMALL = 300
_OVERLAP = 200
_BETWEEN = "\n\n"
# One character decides whether a sentence may end there, so that no text makes the search slow.
_BOUNDARY = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]{0,3}\s+|[\u3002\uff01\uff1f]\s*|\n\s*")


class Passage(NamedTuple):
    """A stretch of a text, from `start` to before `end`, and the place it begins in."""

    start: int
    end: int
    locator: str


class _Piece(NamedTuple):
    """A sentence, a line, or what had to be cut from one."""

    start: int
    end: int
    size: int
    opens: bool  # a paragraph begins here
    heads: bool  # a section begins here


def joined(sections: Sequence[Section]) -> tuple[str, list[tuple[int, str]]]:
    """One clean text of all sections, and where in it each begins; empty ones leave no trace."""
    texts, marks, at = list[str](), list[tuple[int, str]](), 0
    for section in sections:
        text = cleaned(section.text)
        if not text:
            continue
        marks.append((at, section.locator))
        texts.append(text)
        at += len(text) + len(_BETWEEN)
    return _BETWEEN.join(texts), marks


def passages(text: str, marks: Sequence[tuple[int, str]]) -> list[Passage]:
    """The text in passages, in order; each begins a little before the last one's end, unless a section begins there.

    Args:
        text: as `joined` made it.
        marks: where sections begin, and their locators.
    """
    starts = [at for at, _ in marks]
    found: list[Passage] = []
    for first, last in _spans(list(_pieces(text, frozenset(starts)))):
        start, end = first.start, last.end
        while end > start and text[end - 1].isspace():
            end -= 1
        if end == start:
            continue
        place = bisect_right(starts, start) - 1
        found.append(Passage(start, end, marks[place][1] if place >= 0 else ""))
    return found


def _spans(pieces: list[_Piece]) -> Iterator[tuple[_Piece, _Piece]]:
    """The first and last piece of every passage."""
    begin, size = 0, 0  # the passage under way
    fresh = 0  # its first piece that no passage holds yet
    for index, piece in enumerate(pieces):
        if index > fresh and _is_full(size, piece, pieces, index):
            yield pieces[begin], pieces[index - 1]
            fresh = index
            begin = index if piece.heads else _overlap_from(pieces, begin, index)
            size = sum(earlier.size for earlier in pieces[begin:index])
        size += piece.size
    if fresh < len(pieces):
        yield pieces[begin], pieces[-1]


def _is_full(size: int, piece: _Piece, pieces: list[_Piece], index: int) -> bool:
    """Whether the passage ends before this piece."""
    if size + piece.size > LARGEST:
        return True
    if piece.heads:
        return size >= _SMALL
    return piece.opens and size >= _SMALL and size + _paragraph(pieces, index) > _FULL


def _paragraph(pieces: list[_Piece], index: int) -> int:
    """The size of the paragraph that begins here, as far as it matters."""
    size = pieces[index].size
    for piece in pieces[index + 1 :]:
        if piece.opens or size > _FULL:
            break
        size += piece.size
    return size


def _overlap_from(pieces: list[_Piece], begin: int, index: int) -> int:
    """Where the next passage begins so that it repeats the last whole sentences, leaving room for the next piece."""
    room = min(_OVERLAP, LARGEST - pieces[index].size)
    at = index
    while at - 1 > begin and pieces[at - 1].size <= room:
        at -= 1
        room -= pieces[at].size
    return at


def _pieces(text: str, starts: frozenset[int]) -> Iterator[_Piece]:
    """The text cut at every sentence, line and section; nothing is left out, nothing is larger than a passage."""
    opens, start = True, 0
    while start < len(text):
        match = _BOUNDARY.search(text, start)
        end = match.end() if match else len(text)
        heads = start in starts
        for cut_start, cut_end in _cut(text, start, end):
            is_first = cut_start == start
            size = len(text[cut_start:cut_end].encode())
            yield _Piece(cut_start, cut_end, size, (opens or heads) and is_first, heads and is_first)
        opens, start = match is not None and match[0].count("\n") > 1, end


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A span in parts that fit a passage with some overlap, preferably between words."""
    most = LARGEST - _OVERLAP
    while len(text[start:end].encode()) > most:
        part = text[start : min(end, start + most)].encode()[:most].decode(errors="ignore")
        space = max(part.rfind(" "), part.rfind("\n"), part.rfind("\t")) + 1
        at = start + (space if space > len(part) // 2 else len(part))
        yield start, at
        start = at
    yield start, end
