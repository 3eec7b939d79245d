"""Walking the chain: every entry against its own hash, its seal, the entry before it and its searchable copies."""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, String, bindparam, exists, func, select, type_coerce

from interlock.domains.governance.ledger.bounds import sequences
from interlock.domains.governance.ledger.keys import find_seal_key
from interlock.domains.governance.ledger.layout import GENESIS, columns_of, seal_of
from interlock.domains.governance.ledger.models import ledger_entries
from interlock.domains.governance.ledger.views import BrokenEntry, EntryEvent, EntryId, OutcomeGap, Verification
from interlock.runtime.context import Ctx

_CHUNK = 1_000
_GAPS_SHOWN = 1_000
_AUTHORIZED = "authorized"
_columns = ledger_entries.c
_COPIES = ("tool", "decision", "caller_id", "caller_label", "check_id", "idempotency_key")
_NEXT = (
    # As the driver gives them: a value that was tampered with must not fail before it is named.
    select(
        *(type_coerce(_columns[name], String).label(name) for name in ("guid", "at", "event")),
        *(_columns[name] for name in ("sequence", "content", "hash", "seal", *_COPIES)),
    )
    .where(
        _columns.workspace_id == bindparam("workspace"),
        _columns.sequence > bindparam("after"),
        _columns.sequence <= bindparam("last"),
    )
    .order_by(_columns.sequence, _columns.id)
    .limit(_CHUNK)
)
_BEFORE = select(_columns.hash).where(
    _columns.workspace_id == bindparam("workspace"), _columns.sequence == bindparam("sequence")
)
_ending = ledger_entries.alias("ending")
_OPEN = (
    _columns.workspace_id == bindparam("workspace"),
    _columns.sequence >= bindparam("first"),
    _columns.sequence <= bindparam("last"),
    _columns.event == EntryEvent.CHECK,
    _columns.decision == _AUTHORIZED,
    _columns.check_id.is_not(None),
    ~exists().where(
        _ending.c.workspace_id == _columns.workspace_id,
        _ending.c.check_id == _columns.check_id,
        _ending.c.event == EntryEvent.OUTCOME,
    ),
)
_GAPS = (
    select(_columns.check_id, _columns.tool, _columns.at).where(*_OPEN).order_by(_columns.sequence).limit(_GAPS_SHOWN)
)
_GAP_COUNT = select(func.count()).select_from(ledger_entries).where(*_OPEN)


@dataclass(slots=True)
class _Walk:
    """How far the walk has come."""

    workspace: str
    seal: bytes | None
    known_head: str | None
    sequence: int
    hash: str | None
    entries: int = 0
    broken: BrokenEntry | None = None

    def pass_over(self, rows: Sequence[Row[Any]]) -> None:
        """Check the next rows, up to the first broken one."""
        for row in rows:
            try:
                if row.sequence > self.sequence + 1:
                    self.broken = BrokenEntry(sequence=self.sequence + 1, id=None, reason="the entry is missing")
                    return
                reason = self._fault(row)
            except (AttributeError, KeyError, TypeError, ValueError):
                reason = "the entry cannot be read"
            if reason is not None:
                self.broken = BrokenEntry(sequence=self.sequence + 1, id=_identity(row.guid), reason=reason)
                return
            self.sequence, self.hash = row.sequence, row.hash
            self.entries += 1
            self.look_for_known_head()

    def look_for_known_head(self) -> None:
        """Tick off the head that the caller noted, once it is met."""
        if self.hash == self.known_head:
            self.known_head = None

    def _fault(self, row: Row[Any]) -> str | None:
        if row.sequence <= self.sequence:
            return "another entry has the same sequence"
        if hashlib.sha256(row.content.encode()).hexdigest() != row.hash:
            return "the content does not match its hash"
        content: dict[str, Any] = orjson.loads(row.content)
        if content["sequence"] != row.sequence or content["workspace_id"] != self.workspace:
            return "the entry was written in another place of a chain"
        if self.hash is not None and content["previous_hash"] != self.hash:
            return "the previous hash is not that of the entry before"
        if self.seal is None or not hmac.compare_digest(seal_of(self.seal, row.hash), row.seal):
            return "the seal is not this server's"
        copies = {**columns_of(content), "event": content["event"]}
        for name, value in copies.items():
            if row._mapping[name] != value:
                return f"the searchable copy of '{name}' differs from the content"
        if content["id"] != _identity(row.guid) or not _is_moment(row.at, content["at"]):
            return "the searchable copy of the identity or time differs from the content"
        return None


def _identity(stored: object) -> str | None:
    """The native text of what is stored as an id: hex on SQLite, a UUID on PostgreSQL; None for anything else."""
    try:
        return str(EntryId(str(stored)))
    except ValueError:
        return None


def _is_moment(stored: object, told: str) -> bool:
    """Whether a stored instant (naive UTC text on SQLite) is the one that the content tells."""
    moment = datetime.fromisoformat(told)
    if isinstance(stored, datetime):
        return stored == moment
    return stored == moment.strftime("%Y-%m-%d %H:%M:%S.%f")


async def verify(ctx: Ctx, start: str | None, end: str | None, *, known_head: str | None) -> Verification:
    """Walk a stretch of the workspace's chain in chunks, off the event loop."""
    first, last = await sequences(ctx, start, end)
    session = await ctx.session()
    mine = {"workspace": ctx.workspace_id}
    before: str | None = GENESIS
    if first > 1:
        before = (await session.execute(_BEFORE, {**mine, "sequence": first - 1})).scalar()
    walk = _Walk(str(ctx.workspace_id), await find_seal_key(ctx), known_head, first - 1, before)
    walk.look_for_known_head()
    while walk.broken is None and walk.sequence < last:
        result = await session.execute_long(_NEXT, {**mine, "after": walk.sequence, "last": last})
        rows = await asyncio.to_thread(result.all)
        if not rows:
            walk.broken = BrokenEntry(sequence=walk.sequence + 1, id=None, reason="the entry is missing")
        await asyncio.to_thread(walk.pass_over, rows)
    if walk.broken is None and walk.known_head is not None:
        walk.broken = BrokenEntry(sequence=walk.sequence + 1, id=None, reason="the known head is not in the chain")
    stretch = {**mine, "first": first, "last": last}
    gaps = (await session.execute_long(_GAPS, stretch)).all()
    total = len(gaps)
    if total == _GAPS_SHOWN:
        total = (await session.execute_long(_GAP_COUNT, stretch)).scalar_one()
    return Verification(
        valid=walk.broken is None,
        entries=walk.entries,
        head_sequence=walk.sequence,
        head_hash=walk.hash or GENESIS,
        first_invalid=walk.broken,
        gaps=tuple(OutcomeGap(check_id=row.check_id, tool=row.tool, checked_at=row.at) for row in gaps),
        gaps_total=total,
    )
