"""Operations on imports: a file into a table, every broken row named, the good ones kept."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, InstanceOf

from interlock.domains.tables.columns import check_together
from interlock.domains.tables.importing import IMPORT_JOB, ImportJob, file_of, opened
from interlock.domains.tables.repository import Imports, Tables, columns_json
from interlock.domains.tables.service.definitions import TableName
from interlock.domains.tables.sheets.guess import SAMPLE_ROWS, guessed
from interlock.domains.tables.sheets.source import UnusableFileError
from interlock.domains.tables.states import ImportStatus
from interlock.domains.tables.views import Column, FileFormat, Import, ImportId, ImportProblem, Table, TableId
from interlock.kit.errors import invalid, not_found
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx

_CHOICES_SCANNED = 10_000
"""A column becomes a select only when the whole file is no longer than this, so that no later value is refused."""


class ImportFile(Command):
    """A file to import: into a table, or into a new one. Only a face that has received it can name its place."""

    table_id: TableId | None = None
    name: TableName | None = None
    file: InstanceOf[Path]
    filename: Annotated[str, Field(min_length=1, max_length=255)]
    sheet: Annotated[str | None, Field(max_length=100)] = None


class ImportRef(Command):
    """Which import."""

    table_id: TableId
    import_id: ImportId


class ListImports(PageQuery):
    """Of which table, and which page of them."""

    table_id: TableId


class ListProblems(PageQuery):
    """Of which import, and which page of them."""

    table_id: TableId
    import_id: ImportId


@operation("tables.import_file", scope="tables", effect=Effect.WRITE)
async def import_file(ctx: Ctx, command: ImportFile) -> Import:
    """Import a CSV or XLSX file in the background; columns match by name, new ones are added, triggers stay silent."""
    form = _format(command.filename)
    try:
        header, rows = await asyncio.to_thread(_sample, command.file, form, command.sheet)
    except UnusableFileError as error:
        raise invalid(str(error), field="file") from error
    table = await _prepared(ctx, command, header, rows)
    found = await Imports(ctx).add(
        ImportId.new(),
        table_id=table.id,
        filename=command.filename,
        format=form.value,
        sheet=command.sheet,
        status=ImportStatus.QUEUED,
        total=None,
        done=0,
        imported=0,
        failed=0,
        problem=None,
        created_at=ctx.now,
        finished_at=None,
    )
    await asyncio.to_thread(_moved, command.file, file_of(ctx, found.id))
    await ctx.runtime.jobs.enqueue(ctx, IMPORT_JOB, ImportJob(import_id=found.id))
    return found


@operation("tables.get_import", scope="tables")
async def get_import(ctx: Ctx, command: ImportRef) -> Import:
    """Show how far an import has come."""
    return await _import(ctx, command.table_id, command.import_id)


@operation("tables.list_imports", scope="tables")
async def list_imports(ctx: Ctx, command: ListImports) -> Page[Import]:
    """List a table's imports, newest first."""
    await Tables(ctx).get(command.table_id)
    return await Imports(ctx).page(command, {"table_id": command.table_id})


@operation("tables.import_problems", scope="tables")
async def import_problems(ctx: Ctx, command: ListProblems) -> tuple[ImportProblem, ...]:
    """List the rows of a file that were refused, by line and column, with the reason; the first 1,000 are kept."""
    await _import(ctx, command.table_id, command.import_id)
    return tuple(await Imports(ctx).problems(command.import_id, command.limit, command.offset))


@operation("tables.import_events", scope="tables")
async def import_events(ctx: Ctx, command: ImportRef) -> str:
    """Name the stream in which an import tells of its progress."""
    return f"import:{(await _import(ctx, command.table_id, command.import_id)).id}"


async def _import(ctx: Ctx, table_id: TableId, import_id: ImportId) -> Import:
    found = await Imports(ctx).get(import_id)
    if found.table_id != table_id:
        raise not_found("import", import_id)
    return found


def _format(filename: str) -> FileFormat:
    ending = filename.rpartition(".")[2].lower()
    if ending in {"csv", "txt", "tsv"}:
        return FileFormat.CSV
    if ending == "xlsx":
        return FileFormat.XLSX
    hint = "Save it as .csv or .xlsx." + (" Files with macros are not taken." if ending == "xlsm" else "")
    raise invalid(f"'{filename[-40:]}' is neither CSV nor XLSX.", field="file", hint=hint)


def _sample(path: Path, form: FileFormat, sheet: str | None) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The header and the first rows; more than those that types are guessed from, to know whether there are more."""
    with opened(path, form, sheet) as source:
        rows: list[tuple[Any, ...]] = []
        for line in source.lines:
            if line.problem is None:
                rows.append(line.values)
            if len(rows) > _CHOICES_SCANNED:
                break
        return source.header, rows


async def _prepared(ctx: Ctx, command: ImportFile, header: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Table:
    """The table with a column for every one of the file."""
    tables = Tables(ctx)
    if command.table_id is None:
        columns = await asyncio.to_thread(_guessed, header, rows, header, 1)
        check_together(columns)
        return await tables.add(
            TableId.new(),
            name=command.name or command.filename.rpartition(".")[0][:200].strip() or "Import",
            columns=columns_json(columns),
            version=1,
            next_key=len(columns) + 1,
            row_count=0,
            next_position=0,
            trigger_count=0,
            created_at=ctx.now,
            updated_at=ctx.now,
        )
    table = await tables.locked(command.table_id)
    known = {column.name.casefold() for column in table.columns}
    missing = [name for name in header if name.casefold() not in known]
    if not missing:
        return table
    first = max((int(column.key[1:]) for column in table.columns), default=0) + 1
    columns = [*table.columns, *await asyncio.to_thread(_guessed, missing, rows, header, first)]
    check_together(columns)
    values = {"columns": columns_json(columns), "version": table.version + 1, "next_key": first + len(missing)}
    return await tables.change(table.id, {**values, "updated_at": ctx.now})


def _guessed(names: Sequence[str], rows: Sequence[tuple[Any, ...]], header: Sequence[str], first: int) -> list[Column]:
    columns = []
    for number, name in enumerate(names, first):
        place = header.index(name)
        values = [row[place] if place < len(row) else None for row in rows]
        columns.append(
            guessed(name, f"c{number}", values[:SAMPLE_ROWS], whole=values, is_all=len(rows) <= _CHOICES_SCANNED)
        )
    return columns


def _moved(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(source, target)
