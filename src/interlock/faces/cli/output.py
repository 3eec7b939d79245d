"""How the command line talks: tables for people, JSON for programs, errors in one line, and telling exit codes."""

import os
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import orjson
import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from interlock.kit.errors import InterlockError, Kind

_FILE_WIDTH = 140


class ExitCode(IntEnum):
    """What the process tells whoever started it."""

    OK = 0
    FAILED = 1
    """A check or verification said no."""
    USAGE = 2
    CONFLICT = 3
    NOT_FOUND = 4
    REFUSED = 5
    UNAVAILABLE = 6
    INTERNAL = 7
    INTERRUPTED = 130


EXIT_CODES: Mapping[Kind, ExitCode] = MappingProxyType(
    {
        Kind.MALFORMED: ExitCode.USAGE,
        Kind.INVALID: ExitCode.USAGE,
        Kind.TOO_LARGE: ExitCode.USAGE,
        Kind.CONFLICT: ExitCode.CONFLICT,
        Kind.NOT_FOUND: ExitCode.NOT_FOUND,
        Kind.UNAUTHENTICATED: ExitCode.REFUSED,
        Kind.FORBIDDEN: ExitCode.REFUSED,
        Kind.RATE_LIMITED: ExitCode.UNAVAILABLE,
        Kind.BUDGET_EXCEEDED: ExitCode.UNAVAILABLE,
        Kind.UPSTREAM: ExitCode.UNAVAILABLE,
        Kind.UPSTREAM_TIMEOUT: ExitCode.UNAVAILABLE,
        Kind.UNAVAILABLE: ExitCode.UNAVAILABLE,
        Kind.INTERNAL: ExitCode.INTERNAL,
    }
)


class Terminal:
    """Where a command's words go: results to stdout, everything else to stderr."""

    def __init__(self) -> None:
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)
        self.as_json = False

    def show(self, facts: Any, people: RenderableType) -> None:
        """The result of a command, in the form that was asked for."""
        if self.as_json:
            self.json(facts)
        else:
            # A line of text is the reader's to wrap: a key or an id must come out in one piece.
            self.out.print(people, soft_wrap=isinstance(people, str | Text))

    def json(self, facts: Any) -> None:
        """One JSON document."""
        typer.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2, default=str))

    def note(self, text: str) -> None:
        """Words beside the result."""
        self.err.print(Text(text, style="dim"), soft_wrap=True)

    def error(self, error: InterlockError) -> ExitCode:
        """Say what went wrong and what helps; the exit code that goes with it."""
        code = EXIT_CODES[error.kind]
        if self.as_json:
            facts = {"code": error.code, "message": error.message, "hint": error.hint, "details": error.data}
            typer.echo(orjson.dumps({"error": facts}, default=str), err=True)
            return code
        self.err.print(Text(f"Error: {error.message}", style="bold red"), soft_wrap=True)
        if error.hint:
            self.err.print(Text(f"Hint: {error.hint}"), soft_wrap=True)
        return code


def _console(*, stderr: bool) -> Console:
    """A console; what goes into a file or pipe has no narrow window to fit into."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _FILE_WIDTH
    return console


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> RenderableType:
    """A table for people; `empty` is said instead of a table without rows."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in row))
    return shown if shown.row_count else Text(empty)
