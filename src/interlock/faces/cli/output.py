"""How the command line talks: tables for people, JSON for programs, errors in one line, and telling exit codes."""

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
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self.as_json = False

    def show(self, facts: Any, people: RenderableType) -> None:
        """The result of a command, in the form that was asked for."""
        if self.as_json:
            self.json(facts)
        else:
            self.out.print(people)

    def json(self, facts: Any) -> None:
        """One JSON document."""
        typer.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2, default=str))

    def note(self, text: str) -> None:
        """Words beside the result."""
        self.err.print(Text(text, style="dim"))

    def error(self, error: InterlockError) -> ExitCode:
        """Say what went wrong and what helps; the exit code that goes with it."""
        code = EXIT_CODES[error.kind]
        if self.as_json:
            facts = {"code": error.code, "message": error.message, "hint": error.hint, "details": error.data}
            typer.echo(orjson.dumps({"error": facts}, default=str), err=True)
            return code
        self.err.print(Text(f"Error: {error.message}", style="bold red"))
        if error.hint:
            self.err.print(Text(f"Hint: {error.hint}"))
        return code


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> RenderableType:
    """A table for people; `empty` is said instead of a table without rows."""
    shown = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in row))
    return shown if shown.row_count else Text(empty)
