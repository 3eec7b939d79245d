"""CSV: UTF-8, separated by whichever of comma, semicolon, tab and bar the header shows most. Source: RFC 4180."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO, Any

from interlock.domains.tables.sheets.source import Line, Source, UnusableFileError, bounded, header_of

_SEPARATORS = ",;\t|"
_LONGEST_LINE = 1_000_000


def open_csv(file: IO[bytes]) -> Source:
    """Read a CSV file.

    Args:
        file: at its beginning; closed by its opener.

    Raises:
        UnusableFileError: it has no header.
    """
    # What is not UTF-8 becomes lone surrogates, so that the row is refused and not the file.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    first = text.readline(_LONGEST_LINE)
    if "\x00" in first[:1000] or first.startswith("PK\x03\x04"):
        raise UnusableFileError("The file is not CSV text.")
    text.seek(0)
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise UnusableFileError(f"The first row cannot be read: {error}.") from error
    if header is None:
        raise UnusableFileError("The file is empty.")
    names = header_of(list(header))
    return Source(names, bounded(_rows(reader, len(names)), len(names)), text)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines of bounded length: a file without line breaks must not be held in memory."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) >= _LONGEST_LINE:
            raise UnusableFileError(f"A line is longer than {_LONGEST_LINE} characters; this is no table.")
        yield line


def _rows(reader: Any, columns: int) -> Iterator[Line]:
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(start, (), f"cannot be read: {error}.")
            continue
        if any(row):
            yield Line(start, tuple(row), _problem(row, columns))


def _problem(row: Sequence[str], columns: int) -> str | None:
    if len(row) > columns and any(row[columns:]):
        return f"has {len(row)} values for {columns} columns; is a separator inside a value without quotes?"
    if any("\ud800" <= char <= "\udfff" for value in row if not value.isascii() for char in value):
        return "is not UTF-8; save the file as CSV UTF-8."
    return None
