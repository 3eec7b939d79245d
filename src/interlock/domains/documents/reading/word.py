"""Word documents (.docx): paragraphs and tables in order, by headings. Macros are refused, never run."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile, ZipFile

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

from interlock.domains.documents.reading.content import Content, Section, UnreadableError, outline

_MOST_PARTS = 5_000
_MOST_UNPACKED = 100_000_000
_TYPES = "[Content_Types].xml"
_MOST_TYPES = 1_000_000
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)


def read(content: bytes) -> Content:
    """The document's own text; headers, footers and comments are left out."""
    try:
        _check(content)
        document = docx.Document(BytesIO(content))
        return Content(tuple(_sections(document.iter_inner_content())))
    except (MemoryError, UnreadableError):
        raise
    except Exception as error:  # a parser of broken files meets every kind of surprise
        raise UnreadableError(
            "broken", f"The Word document cannot be read: {type(error).__name__}: {error}"[:500]
        ) from error


def _check(content: bytes) -> None:
    """Look at the archive before anything of it is unpacked; zipfile unpacks no more than a part says it holds."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
                raise UnreadableError(
                    "too_large_unpacked",
                    f"The document unpacks to more than {_MOST_UNPACKED // 1_000_000} MB or {_MOST_PARTS} parts.",
                )
            names = {part.filename for part in parts}
            if any(part.flag_bits & 1 for part in parts):
                raise UnreadableError("encrypted", "The archive is encrypted; upload a copy without a password.")
            if _TYPES not in names or not any(name.startswith("word/") for name in names):
                raise UnreadableError("unsupported_type", "The archive is no Word document; .docx is what can be read.")
            if archive.getinfo(_TYPES).file_size > _MOST_TYPES:
                raise UnreadableError("broken", "The Word document's table of contents is too large.")
            types = archive.read(_TYPES)
    except (BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError) as error:
        raise UnreadableError("broken", f"The archive is damaged: {error}") from error
    if b"macroEnabled" in types or any(name.endswith("vbaProject.bin") for name in names):
        raise UnreadableError("macros", "The document carries macros, which are never run; save it as .docx and retry.")


def _sections(items: Iterator[Paragraph | Table]) -> Iterator[Section]:
    titles: dict[int, str] = {}
    locator, lines = "", list[str]()
    for item in items:
        if isinstance(item, Table):
            lines.extend("\t".join(cell.text.strip() for cell in row.cells) for row in item.rows)
            lines.append("")
            continue
        level = _level(item)
        if level is not None and item.text.strip():
            yield Section(locator, "\n".join(lines))
            locator, lines = outline(titles, level, item.text), []
        lines.extend((item.text, ""))
    yield Section(locator, "\n".join(lines))


def _level(paragraph: Paragraph) -> int | None:
    name = (paragraph.style.name if paragraph.style is not None else None) or ""
    if name == "Title":
        return 0
    heading = _HEADING.match(name)
    return int(heading[1]) if heading else None
