"""The ends of a stretch of the ledger, as people write them: a sequence number, a date, or a moment."""

from datetime import UTC, date, datetime, time

from sqlalchemy import func, select
from sqlalchemy.sql import ColumnElement

from interlock.domains.governance.ledger.models import ledger_entries
from interlock.kit.errors import invalid
from interlock.runtime.context import Ctx

_columns = ledger_entries.c
_DATE_LENGTH = len("2026-08-31")
_LAST_OF_DAY = time(23, 59, 59, 999999)


def _parsed(text: str, *, field: str) -> int | datetime:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    try:
        if len(text) == _DATE_LENGTH:
            return datetime.combine(date.fromisoformat(text), time.min if field == "from" else _LAST_OF_DAY, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(
            f"'{field}' is neither a sequence number nor a date or time.",
            field=field,
            hint="Write a sequence number, 2026-08-31, or 2026-08-31T12:00:00Z.",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def within(start: str | None, end: str | None) -> list[ColumnElement[bool]]:
    """The stretch as SQL, both ends included; a date as its end means all of that day (UTC)."""
    wanted: list[ColumnElement[bool]] = []
    if start is not None:
        first = _parsed(start, field="from")
        wanted.append(_columns.sequence >= first if isinstance(first, int) else _columns.at >= first)
    if end is not None:
        last = _parsed(end, field="to")
        wanted.append(_columns.sequence <= last if isinstance(last, int) else _columns.at <= last)
    return wanted


async def sequences(ctx: Ctx, start: str | None, end: str | None) -> tuple[int, int]:
    """The stretch as sequence numbers, the first above the last where nothing lies in it.

    Without a start it begins at 1, even where entry 1 is gone.
    """
    head = await _edge(ctx, func.max(_columns.sequence), [])
    first: int | None = 1
    last: int | None = head
    if start is not None:
        bound = _parsed(start, field="from")
        first = bound if isinstance(bound, int) else await _edge(ctx, func.min(_columns.sequence), within(start, None))
    if end is not None:
        bound = _parsed(end, field="to")
        last = bound if isinstance(bound, int) else await _edge(ctx, func.max(_columns.sequence), within(None, end))
    if first is None or last is None or head is None:
        return 1, 0
    return max(first, 1), min(last, head)


async def _edge(ctx: Ctx, edge: ColumnElement[int], wanted: list[ColumnElement[bool]]) -> int | None:
    statement = select(edge).where(_columns.workspace_id == ctx.workspace_id, *wanted)
    sequence: int | None = (await (await ctx.session()).execute_long(statement)).scalar_one()
    return sequence
