"""Adding to the chain: one indexed read of the head and one insert, on the hottest path of the server."""

import hashlib
from typing import Any

from sqlalchemy import bindparam, insert, select

from interlock.domains.governance.ledger.keys import seal_key
from interlock.domains.governance.ledger.layout import GENESIS, columns_of, content_of, seal_of
from interlock.domains.governance.ledger.models import ledger_entries
from interlock.domains.governance.ledger.views import EntryId, LedgerEntry, NewEntry
from interlock.domains.governance.locks import hold_workspace
from interlock.kit.canonical import canonical_json
from interlock.runtime.context import Ctx

_columns = ledger_entries.c
_HEAD = (
    select(_columns.sequence, _columns.hash)
    .where(_columns.workspace_id == bindparam("workspace"))
    .order_by(_columns.sequence.desc())
    .limit(1)
)
_INSERT = insert(ledger_entries).inline()


async def append(ctx: Ctx, new: NewEntry) -> LedgerEntry:
    """Write the next entry of the workspace's chain in the caller's unit of work, and return it."""
    return LedgerEntry.model_validate(await write(ctx, new))


async def write(ctx: Ctx, new: NewEntry) -> dict[str, Any]:
    """Write the next entry; returns its values, which nobody on the path of a verdict needs as a view."""
    session = await hold_workspace(ctx)
    head = (await session.execute(_HEAD, {"workspace": ctx.workspace_id})).first()
    sequence, previous = (head.sequence + 1, head.hash) if head else (1, GENESIS)
    key, at = EntryId.new(), ctx.now
    content = content_of(new, key, ctx.workspace_id, sequence, at, previous)
    written = canonical_json(content)
    digest = hashlib.sha256(written).hexdigest()
    row = {
        "guid": key,
        "workspace_id": ctx.workspace_id,
        "sequence": sequence,
        "at": at,
        "event": new.event,
        **columns_of(content),
        "content": written.decode(),
        "hash": digest,
        "seal": seal_of(await seal_key(ctx), digest),
    }
    await session.execute(_INSERT, row)
    return {**content, "id": key, "at": at, "hash": digest}
