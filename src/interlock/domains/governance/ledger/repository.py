"""Reading entries back: by check, by idempotency key, in pages."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Row, bindparam, func, or_, select
from sqlalchemy.sql import ColumnElement

from interlock.domains.governance.ledger.models import ledger_entries
from interlock.domains.governance.ledger.views import EntryEvent, LedgerEntry
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository

_columns = ledger_entries.c
_OF_CHECK = (
    select(ledger_entries)
    .where(
        _columns.workspace_id == bindparam("workspace"),
        _columns.check_id == bindparam("check"),
        _columns.event == bindparam("event"),
    )
    # A plain `sequence` would tempt the planner to walk the chain backwards instead of looking the check up.
    .order_by((_columns.sequence + 0).desc())
    .limit(1)
)
_BY_KEY = select(ledger_entries).where(
    _columns.workspace_id == bindparam("workspace"), _columns.idempotency_key == bindparam("key")
)
_AFTER = (
    select(ledger_entries)
    .where(_columns.workspace_id == bindparam("workspace"), _columns.sequence > bindparam("sequence"))
    .order_by(_columns.sequence)
    .limit(bindparam("most"))
)
_HEAD = select(func.max(_columns.sequence)).where(_columns.workspace_id == bindparam("workspace"))
_DECIDED = (
    select(ledger_entries)
    .where(
        _columns.workspace_id == bindparam("workspace"),
        _columns.sequence > bindparam("after"),
        or_(_columns.event == EntryEvent.CHECK, _columns.event == EntryEvent.TOOL_CALL),
        _columns.decision.is_not(None),
    )
    .order_by(_columns.sequence.desc())
    .limit(bindparam("most"))
)
_LOOK_BACK = 20
"""How many entries are looked through for each wanted decision, so that no ledger is walked to its beginning."""
_ENDINGS = 2
"""A held call is on record twice, at its question and at its end."""


class Entries(Repository[LedgerEntry]):
    """Entries of a workspace, newest first."""

    table = ledger_entries
    view = LedgerEntry
    thing = "ledger entry"
    listing = ListSpec(order="sequence")

    def to_view(self, row: Row[Any]) -> LedgerEntry:
        """The entry as its content says, with its identity and hash."""
        return entry_of(row)


def entry_of(row: Row[Any]) -> LedgerEntry:
    """A row's content as a view."""
    return LedgerEntry.model_validate({**orjson.loads(row.content), "hash": row.hash})


async def of_check(ctx: Ctx, check: str, event: EntryEvent) -> LedgerEntry | None:
    """The latest entry of a kind about a check."""
    parameters = {"workspace": ctx.workspace_id, "check": check, "event": event}
    row = (await (await ctx.session()).execute(_OF_CHECK, parameters)).first()
    return None if row is None else entry_of(row)


async def by_key(ctx: Ctx, key: str) -> LedgerEntry | None:
    """The entry written under an idempotency key."""
    row = (await (await ctx.session()).execute(_BY_KEY, {"workspace": ctx.workspace_id, "key": key})).first()
    return None if row is None else entry_of(row)


async def after(ctx: Ctx, sequence: int, most: int) -> list[LedgerEntry]:
    """The next entries behind a sequence number, in order."""
    parameters = {"workspace": ctx.workspace_id, "sequence": sequence, "most": most}
    return [entry_of(row) for row in (await (await ctx.session()).execute_long(_AFTER, parameters)).all()]


async def recent_decisions(ctx: Ctx, most: int) -> list[LedgerEntry]:
    """Entries about checks and tool calls that carry a decision, newest first."""
    session, mine = await ctx.session(), {"workspace": ctx.workspace_id}
    head = (await session.execute(_HEAD, mine)).scalar_one() or 0
    parameters = {**mine, "after": head - most * _LOOK_BACK, "most": most * _ENDINGS}
    return [entry_of(row) for row in (await session.execute_long(_DECIDED, parameters)).all()]


def conditions(ctx: Ctx, exact: Mapping[str, object], caller: str | None) -> list[ColumnElement[bool]]:
    """The filters of a list as SQL; absent ones are left out."""
    wanted: list[ColumnElement[bool]] = [_columns.workspace_id == ctx.workspace_id]
    wanted += [_columns[name] == value for name, value in exact.items() if value is not None]
    if caller is not None:
        wanted.append(or_(_columns.caller_id == caller, _columns.caller_label == caller))
    return wanted
