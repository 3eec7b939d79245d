"""XLSX, read as values without running anything; refused when it is a bomb, or holds macros."""

import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from interlock.domains.tables.sheets.source import Line, Source, UnusableFileError, bounded, header_of
from interlock.runtime.lazy import lazy

if TYPE_CHECKING:
    import openpyxl
    import openpyxl.cell
    import openpyxl.cell.cell as cells
else:
    openpyxl = lazy("openpyxl")
    cells = lazy("openpyxl.cell.cell")

_MOST_PARTS = 2_000
_MOST_UNPACKED = 200_000_000
_MOST_STRINGS = 60_000_000
_MOST_RATIO = 200
_SMALL = 1_000_000
"""What unpacks to so little is no bomb, whatever its ratio."""


def check_archive(file: IO[bytes]) -> None:
    """Refuse what would not fit into memory, before anything is unpacked.

    Raises:
        UnusableFileError: no XLSX file, too large unpacked, or with macros.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UnusableFileError("The file is no XLSX file.") from error
    if len(parts) > _MOST_PARTS:
        raise UnusableFileError(f"The file has more than {_MOST_PARTS} parts.")
    names = {part.filename.casefold() for part in parts}
    if any(name.endswith("vbaproject.bin") for name in names):
        raise UnusableFileError("The file holds macros; save it as XLSX without them.")
    if "xl/workbook.xml" not in names:
        raise UnusableFileError("The file is no XLSX file.")
    unpacked = sum(part.file_size for part in parts)
    strings = sum(part.file_size for part in parts if "sharedstrings" in part.filename.casefold())
    packed = max(1, file.seek(0, io.SEEK_END))
    is_dense = unpacked > _SMALL and unpacked > packed * _MOST_RATIO
    if unpacked > _MOST_UNPACKED or strings > _MOST_STRINGS or is_dense:
        raise UnusableFileError(f"The file unpacks to {unpacked} bytes, which is too much; split it, or send CSV.")


def open_xlsx(file: IO[bytes], sheet: str | None) -> Source:
    """Read a sheet: formulas as the values they had when the file was saved.

    Args:
        file: the archive; closed by its opener.
        sheet: its name; the first one where absent.

    Raises:
        UnusableFileError: it cannot be read, or has no such sheet or no header.
    """
    check_archive(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that we do not look at
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        names = book.sheetnames
    except Exception as error:  # the reader raises whatever a damaged file makes it stumble over
        raise UnusableFileError("The file is damaged, or no XLSX file.") from error
    if sheet is not None and sheet not in names:
        raise UnusableFileError(f"There is no sheet '{sheet}'; there are: {', '.join(names)}.")
    rows = _values(book[sheet or names[0]])
    first = next(rows, None)
    if first is None:
        raise UnusableFileError("The sheet is empty.")
    header = header_of(list(first[1]))
    return Source(header, bounded(_lines(rows, len(header)), len(header)), book)


def _values(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    try:
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        yield from enumerate(sheet.iter_rows(values_only=True), 1)
    except UnusableFileError:
        raise
    except Exception as error:
        raise UnusableFileError("The sheet is damaged.") from error


def _lines(rows: Iterator[tuple[int, tuple[Any, ...]]], columns: int) -> Iterator[Line]:
    for number, row in rows:
        if all(value is None or value == "" for value in row):
            continue
        problem = None
        if any(value is not None for value in row[columns:]):
            problem = f"has values beyond its {columns} columns."
        yield Line(number, tuple(_plain(value) for value in row[:columns]), problem)


def _plain(value: Any) -> Any:
    """A value as JSON has it: dates as ISO text."""
    if isinstance(value, datetime):
        is_day = value.time() == time()
        return value.date().isoformat() if is_day else value.isoformat(timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return value


class SheetWriter:
    """Writes an XLSX file row by row, without holding it in memory."""

    def __init__(self, title: str) -> None:
        self._book = openpyxl.Workbook(write_only=True)
        safe = "".join("_" if char in "[]:*?/\\'" else char for char in title)[:31]
        self._sheet = self._book.create_sheet(safe.strip() or "Table")

    def add(self, row: list[Any]) -> None:
        """One row; text is never a formula, and loses the control characters that XML cannot hold."""
        self._sheet.append([self._cell(value) for value in row])

    def _cell(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        cell = openpyxl.cell.WriteOnlyCell(self._sheet, cells.ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"  # text that begins with = would become a formula
        return cell

    def save(self, path: Path) -> None:
        """Finish the file."""
        self._book.save(path)
