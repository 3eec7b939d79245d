"""What every reader of a file gives: its header, then rows with their line numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_COLUMNS = 200
MOST_ROWS = 1_000_000
MOST_CELLS = 10_000_000


class UnusableFileError(ValueError):
    """The file as a whole cannot be read; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file: values in the order of the header, or why it could not be read."""

    number: int
    values: tuple[Any, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file; `owner` keeps alive what reads it, for as long as its opener has not closed it."""

    header: tuple[str, ...]
    lines: Iterator[Line]
    owner: object = None


def header_of(values: list[Any]) -> tuple[str, ...]:
    """Column names from the first row.

    Raises:
        UnusableFileError: there are none, too many, or one twice.
    """
    names = [str(value).strip() if value is not None else "" for value in values]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UnusableFileError("The first row is empty; it must hold the names of the columns.")
    if len(names) > MOST_COLUMNS:
        raise UnusableFileError(f"The file has {len(names)} columns; at most {MOST_COLUMNS} are possible.")
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        if not name:
            raise UnusableFileError(f"Column {place} has no name in the first row.")
        if len(name) > 100 or any(char in "{}\x00\r\n" for char in name):
            raise UnusableFileError(
                f"Column {place} has a name that no column can have: at most 100 characters, no braces, no line breaks."
            )
        if name.casefold() in seen:
            raise UnusableFileError(f"The column '{name}' is there twice.")
        seen.add(name.casefold())
    return tuple(names)


def bounded(lines: Iterator[Line], columns: int) -> Iterator[Line]:
    """The lines, as long as there are not too many."""
    for count, line in enumerate(lines, 1):
        if count > MOST_ROWS or count * columns > MOST_CELLS:
            raise UnusableFileError(f"The file has more than {MOST_ROWS} rows or {MOST_CELLS} cells; split it.")
        yield line
