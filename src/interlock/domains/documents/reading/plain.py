"""Plain text and Markdown: the encoding is found out, headings become places."""

import codecs
import re

import charset_normalizer

from interlock.domains.documents.reading.content import Content, Section, UnreadableError, outline

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 200_000
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(```|~~~)")


def read(content: bytes) -> Content:
    """Text as it is."""
    return Content((Section("", decoded(content)),))


def read_markdown(content: bytes) -> Content:
    """Markdown as it is, by its headings."""
    sections: list[Section] = []
    titles: dict[int, str] = {}
    locator, lines, fence = "", list[str](), ""
    for line in decoded(content).splitlines():
        mark = _FENCE.match(line)
        if mark and fence in {"", mark[1]}:
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading:
            sections.append(Section(locator, "\n".join(lines)))
            locator, lines = outline(titles, len(heading[1]), heading[2].rstrip().rstrip("#")), []
        lines.append(line)
    sections.append(Section(locator, "\n".join(lines)))
    return Content(tuple(sections))


def decoded(content: bytes) -> str:
    """The text of bytes in whatever encoding: marked, UTF-8, or the likeliest."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        best = charset_normalizer.from_bytes(content[:_SAMPLE]).best()
    if best is None:
        raise UnreadableError("unknown_encoding", "The text's encoding cannot be told; save the file as UTF-8.")
    return content.decode(best.encoding, "replace")
