"""Evidence for auditors: JSON lines that verify again, or CSV for people; read in chunks while it is sent."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, and_, select

from interlock.domains.governance.ledger.bounds import within
from interlock.domains.governance.ledger.models import ledger_entries
from interlock.domains.governance.ledger.views import ExportFormat, LedgerExport
from interlock.kit.canonical import canonical_json
from interlock.runtime.context import Ctx

_CHUNK = 500
_COLUMNS = (
    "sequence", "id", "at", "event", "caller_kind", "caller_id", "caller_label", "tool", "action_type", "decision",
    "reason", "policy_id", "approval_id", "reviewer", "outcome", "error", "cost", "latency_ms", "provider_ref",
    "check_id", "run_id", "agent_id", "controls", "masked_fields", "matched", "scope", "args_hash", "edited_hash",
    "idempotency_key", "extra", "previous_hash", "hash",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MEDIA = {ExportFormat.JSONL: "application/x-ndjson", ExportFormat.CSV: "text/csv; charset=utf-8"}


async def export(
    ctx: Ctx, start: str | None, end: str | None, form: ExportFormat, framework: str | None
) -> LedgerExport:
    """Prepare an export; each chunk is read in a short unit of work of its own."""
    within(start, end)  # a wrong bound is refused before the first byte is sent
    write = _lines if form is ExportFormat.JSONL else _cells
    name = "ledger" if framework is None else "ledger-" + "".join(c if c.isalnum() else "-" for c in framework)
    return LedgerExport(_MEDIA[form], f"{name}.{form.value}", _chunks(ctx, start, end, framework, write, form))


async def _chunks(
    ctx: Ctx,
    start: str | None,
    end: str | None,
    framework: str | None,
    write: Callable[[Sequence[dict[str, Any]]], bytes],
    form: ExportFormat,
) -> AsyncIterator[bytes]:
    if form is ExportFormat.CSV:
        yield _written([_COLUMNS])
    after = 0
    while True:
        async with ctx.begin(write=False) as reading:
            session = await reading.session()
            columns = ledger_entries.c
            statement = (
                select(columns.sequence, columns.content, columns.hash)
                .where(and_(columns.workspace_id == ctx.workspace_id, columns.sequence > after, *within(start, end)))
                .order_by(columns.sequence)
                .limit(_CHUNK)
            )
            rows = await asyncio.to_thread((await session.execute_long(statement)).all)
        if rows:
            after = rows[-1].sequence
            chunk = await asyncio.to_thread(_rendered, rows, framework, write)
            if chunk:
                yield chunk
        if len(rows) < _CHUNK:
            return


def _rendered(
    rows: Sequence[Row[Any]], framework: str | None, write: Callable[[Sequence[dict[str, Any]]], bytes]
) -> bytes:
    entries = [{**orjson.loads(row.content), "hash": row.hash} for row in rows]
    chosen = [entry for entry in entries if framework is None or _belongs(entry, framework.casefold())]
    return write(chosen) if chosen else b""


def _belongs(entry: dict[str, Any], framework: str) -> bool:
    """Whether a control tag such as `SOC2:CC6.1` or `soc2` is of the framework."""
    for control in entry.get("controls", ()):
        tag = control.casefold()
        if tag.startswith(framework) and not tag[len(framework) : len(framework) + 1].isalnum():
            return True
    return False


def _lines(entries: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(canonical_json(entry) + b"\n" for entry in entries)


def _cells(entries: Sequence[dict[str, Any]]) -> bytes:
    return _written([[_cell(entry.get(name)) for name in _COLUMNS] for entry in entries])


def _cell(value: Any) -> str:
    """Text for one cell; what a spreadsheet would run as a formula is quoted with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = "; ".join(value)
    text = value if isinstance(value, str) else canonical_json(value).decode()
    return "'" + text if text.startswith(_FORMULA) else text


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()
