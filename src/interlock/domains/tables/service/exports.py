"""Operations that write tables to files: CSV and JSON as they are read, XLSX through a temporary file."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from interlock.domains.tables.formulas import MOST_ROWS, compile_formulas
from interlock.domains.tables.repository import Rows, Tables
from interlock.domains.tables.service.rows import present
from interlock.domains.tables.sheets.xlsx_files import SheetWriter
from interlock.domains.tables.values import written
from interlock.domains.tables.views import FileFormat, Row, Table, TableExport, TableId
from interlock.kit.csv_text import csv_bytes, csv_cell
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx

_MEDIA = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.JSON: "application/json",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PIECE = 65_536


class ExportTable(Command):
    """Which table, and as what."""

    table_id: TableId
    format: FileFormat = FileFormat.CSV


@operation("tables.export", scope="tables", effect=Effect.EXTERNAL)
async def export(ctx: Ctx, command: ExportTable) -> TableExport:
    """Export a table as CSV, XLSX or JSON; in CSV, text that a spreadsheet would run begins with an apostrophe."""
    async with ctx.begin(write=False) as reading:
        table = await Tables(reading).get(command.table_id)
    chunks = _WRITERS[command.format](ctx, table)
    safe = "".join(char if char.isascii() and char.isalnum() else "-" for char in table.name).strip("-") or "table"
    return TableExport(_MEDIA[command.format], f"{safe}.{command.format.value}", chunks)


async def _batches(ctx: Ctx, table: Table) -> AsyncIterator[Sequence[Row]]:
    """All rows, each batch read in a short unit of work; formulas over all rows mean that all are read at once."""
    formulas = compile_formulas(table.columns)
    if formulas is not None and formulas.needs_all_rows and table.row_count <= MOST_ROWS:
        async with ctx.begin(write=False) as reading:
            stored = [row async for batch in Rows(reading, table.id).batches() for row in batch]
            yield await present(reading, table, stored)
        return
    position, number = -1, 0
    while True:
        async with ctx.begin(write=False) as reading:
            batch = await Rows(reading, table.id).after(position, number)
            rows = await present(reading, table, batch)
        if not batch:
            return
        position, number = batch[-1].position, batch[-1].number
        yield rows


async def _csv(ctx: Ctx, table: Table) -> AsyncIterator[bytes]:
    names = [column.name for column in table.columns]
    yield csv_bytes([[csv_cell(name) for name in names]])
    async for rows in _batches(ctx, table):
        yield await asyncio.to_thread(_csv_rows, names, rows)


def _csv_rows(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    return csv_bytes([[_csv_text(row.data.get(name)) for name in names] for row in rows])


def _csv_text(value: Any) -> str:
    """Numbers may begin with a minus; text may not."""
    return csv_cell(_text(value)) if isinstance(value, str | dict | list) else _text(value)


def _text(value: Any) -> str:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else written(value)


async def _json(ctx: Ctx, table: Table) -> AsyncIterator[bytes]:
    """A list of objects by column name, a row to a line."""
    opening = b"[\n"
    async for rows in _batches(ctx, table):
        yield opening + b",\n".join([orjson.dumps(row.data) for row in rows])
        opening = b",\n"
    yield b"[]\n" if opening == b"[\n" else b"\n]\n"


async def _xlsx(ctx: Ctx, table: Table) -> AsyncIterator[bytes]:
    names = [column.name for column in table.columns]
    writer = SheetWriter(table.name)
    writer.add(list(names))
    async for rows in _batches(ctx, table):
        await asyncio.to_thread(_xlsx_rows, writer, names, rows)
    with tempfile.TemporaryDirectory(prefix="interlock-export-") as folder:
        path = Path(folder) / "table.xlsx"
        await asyncio.to_thread(writer.save, path)
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece


def _xlsx_rows(writer: SheetWriter, names: Sequence[str], rows: Sequence[Row]) -> None:
    for row in rows:
        values = [row.data.get(name) for name in names]
        writer.add([_text(value) if isinstance(value, dict | list) else value for value in values])


_WRITERS = {FileFormat.CSV: _csv, FileFormat.JSON: _json, FileFormat.XLSX: _xlsx}
