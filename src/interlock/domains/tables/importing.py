"""The work of an import: the file in chunks, each with its progress in one transaction, so that a restart goes on."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from interlock.domains.tables.models import data_imports
from interlock.domains.tables.repository import Imports, Rows, StoredRow, Tables
from interlock.domains.tables.sheets.csv_files import open_csv
from interlock.domains.tables.sheets.source import Line, Source, UnusableFileError
from interlock.domains.tables.sheets.xlsx_files import open_xlsx
from interlock.domains.tables.states import ColumnType, ImportStatus
from interlock.domains.tables.values import WrongValueError, converted
from interlock.domains.tables.views import Column, FileFormat, Import, ImportId, ImportProblem, RowId, Table
from interlock.kit.errors import InterlockError, Kind, conflict
from interlock.kit.operations import Command
from interlock.runtime.context import Ctx

IMPORT_JOB = "tables.import"
MOST_PROBLEMS = 1_000
_CHUNK = 500
_TRIES = 5


class ImportJob(Command):
    """Which import to work on."""

    import_id: ImportId


def file_of(ctx: Ctx, key: ImportId) -> Path:
    """Where the file of an import lies until it is done."""
    return ctx.settings.data_dir / "imports" / str(key)


@contextlib.contextmanager
def opened(path: Path, form: FileFormat, sheet: str | None) -> Iterator[Source]:
    """The file, read row by row; for a worker thread.

    Raises:
        UnusableFileError: it cannot be read as what it is said to be.
    """
    with path.open("rb") as file:
        yield open_csv(file) if form is FileFormat.CSV else open_xlsx(file, sheet)


async def run_import(ctx: Ctx, job: ImportJob) -> None:
    """Work on an import from where it stands until it ends; safe to repeat."""
    path = file_of(ctx, job.import_id)
    async with ctx.begin(write=False) as reading:
        found = await Imports(reading).find(job.import_id)
    if found is None or found.status in {ImportStatus.COMPLETED, ImportStatus.FAILED}:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return
    form, sheet = found.format, found.sheet
    try:
        with contextlib.ExitStack() as stack:
            found = await _begun(ctx, found, await asyncio.to_thread(_count, path, form, sheet))
            source = await asyncio.to_thread(stack.enter_context, opened(path, form, sheet))
            await asyncio.to_thread(_skip, source, found.done)
            while lines := await asyncio.to_thread(lambda: list(islice(source.lines, _CHUNK))):
                found = await _chunk(ctx, found, source.header, lines)
        await _ended(ctx, found, ImportStatus.COMPLETED)
    except UnusableFileError as error:
        await _ended(ctx, found, ImportStatus.FAILED, str(error))
    except InterlockError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        # The table was dropped while its file was read; the import went with it.
    await asyncio.to_thread(path.unlink, missing_ok=True)


def _count(path: Path, form: FileFormat, sheet: str | None) -> int:
    with opened(path, form, sheet) as source:
        return sum(1 for _ in source.lines)


def _skip(source: Source, done: int) -> None:
    for _ in islice(source.lines, done):
        pass


async def _begun(ctx: Ctx, found: Import, total: int) -> Import:
    async with ctx.begin() as unit:
        imports = Imports(unit)
        found = await imports.change(found.id, {"status": ImportStatus.RUNNING, "total": total})
        await _tell(unit, found, "import.progress")
        return found


async def _ended(ctx: Ctx, found: Import, status: ImportStatus, problem: str | None = None) -> None:
    async with ctx.begin() as unit:
        ended = await Imports(unit).end(found.id, status, problem)
        await _tell(unit, ended, f"import.{status.value}")


async def _tell(ctx: Ctx, found: Import, kind: str) -> None:
    facts = found.model_dump(mode="json", include={"status", "total", "done", "imported", "failed", "problem"})
    await ctx.runtime.streams.append(ctx, f"import:{found.id}", kind, facts)


async def _chunk(ctx: Ctx, found: Import, header: Sequence[str], lines: Sequence[Line]) -> Import:
    """Write the good rows of some lines with the progress they make; all of it or nothing."""
    for _ in range(_TRIES):
        async with ctx.begin(write=False) as reading:
            table = await Tables(reading).get(found.table_id)
        rows, problems = await asyncio.to_thread(_converted, table.columns, header, lines)
        async with ctx.begin() as unit:
            written = await _written(unit, found, table, rows, problems, len(lines))
            if written is not None:
                return written
    raise conflict("The table's columns keep changing; the import goes on later.")


async def _written(
    ctx: Ctx,
    found: Import,
    table: Table,
    rows: list[tuple[int, dict[str, Any]]],
    problems: list[ImportProblem],
    lines: int,
) -> Import | None:
    rows, lost = await _without_lost_relations(ctx, table.columns, rows)
    position = await Tables(ctx).reserve(table, len(rows))
    if position is None:
        return None
    stored = [
        StoredRow(0, RowId.new(), place, data, ctx.now, ctx.now) for place, (_, data) in enumerate(rows, position)
    ]
    if stored:
        await Rows(ctx, table.id).add(stored)
    problems = sorted([*problems, *lost], key=lambda problem: problem.line)
    refused = len({problem.line for problem in problems})
    imports = Imports(ctx)
    room = MOST_PROBLEMS - found.failed
    if room > 0:
        await imports.add_problems(found.id, problems[:room])
    values = {
        "done": found.done + lines,
        "imported": found.imported + len(rows),
        "failed": found.failed + refused,
    }
    # Had another worker taken over in the meantime, these rows would be written twice.
    changed = await imports.change(found.id, values, where=[data_imports.c.done == found.done])
    await _tell(ctx, changed, "import.progress")
    return changed


def _converted(
    columns: Sequence[Column], header: Sequence[str], lines: Sequence[Line]
) -> tuple[list[tuple[int, dict[str, Any]]], list[ImportProblem]]:
    """The good rows with their line numbers, under column keys; and what is wrong with the others."""
    known = {column.name.casefold(): column for column in columns}
    targets = [known.get(name.casefold()) for name in header]
    written = {column.key for column in targets if column is not None}
    required = [column for column in columns if column.required and column.key not in written]
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[ImportProblem] = []
    for line in lines:
        if line.problem is not None:
            problems.append(ImportProblem(line=line.number, column=None, problem=line.problem))
            continue
        data: dict[str, Any] = {}
        found = [
            ImportProblem(line=line.number, column=column.name, problem="needs a value; the file has no such column.")
            for column in required
        ]
        for place, column in enumerate(targets):
            if column is None or column.type is ColumnType.COMPUTED:
                continue
            try:
                value = converted(column, line.values[place] if place < len(line.values) else None)
            except WrongValueError as error:
                found.append(ImportProblem(line=line.number, column=column.name, problem=str(error)))
            else:
                data |= {} if value is None or value == "" else {column.key: value}
        if found:
            problems.extend(found)
        else:
            rows.append((line.number, data))
    return rows, problems


async def _without_lost_relations(
    ctx: Ctx, columns: Sequence[Column], rows: list[tuple[int, dict[str, Any]]]
) -> tuple[list[tuple[int, dict[str, Any]]], list[ImportProblem]]:
    """The rows whose relations point at rows that are there."""
    problems: list[ImportProblem] = []
    for column in columns:
        if column.table_id is None:
            continue
        wanted = sorted({RowId.parse(data[column.key]) for _, data in rows if column.key in data})
        there = await Rows(ctx, column.table_id).existing(wanted) if wanted else set()
        kept = []
        for number, data in rows:
            if column.key in data and RowId.parse(data[column.key]) not in there:
                problem = f"points at {data[column.key]}, which is no row of {column.table_id}."
                problems.append(ImportProblem(line=number, column=column.name, problem=problem))
            else:
                kept.append((number, data))
        rows = kept
    return rows, problems
