"""Both halves of a search on SQLite: FTS5 for words, a shelf in memory for meaning."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql import case

from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.search.entries import Found, Query
from interlock.runtime.search.schema import search_entries
from interlock.runtime.search.shelf import Change, Shelf
from interlock.runtime.search.words import Term, sqlite_match, terms_of

if TYPE_CHECKING:
    from interlock.runtime.search.entries import Vector

Labels: TypeAlias = list[list[str]]

MOST_KEPT = 400_000
"""Entries in memory over all shelves of a process, about 600 MB; a larger collection is read anew for each search."""
COMMON = 2_000
"""A word in more entries than this is left out beside rarer ones, and alone finds only the newest."""
_CHUNK = 5_000
_AT_ONCE = 500
_ON_THE_LOOP = 4_000
MARKS_KEPT = timedelta(days=2)
_TRUSTED = timedelta(days=1)
PURGED_AT_ONCE = 1_000
_NEVER = float("inf")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_c = search_entries.c
_MINE = (_c.collection == bindparam("within"), _c.workspace_id == bindparam("workspace"))
_LAST = select(func.coalesce(func.max(_c.change), 0)).where(*_MINE)
_NEXT = select(func.coalesce(func.max(_c.change), 0) + 1).where(*_MINE).scalar_subquery()
_insert = insert(search_entries).values(change=_NEXT, removed_at=None, vector=None)
PUT = _insert.on_conflict_do_update(
    index_elements=["collection", "workspace_id", "number"],
    set_={
        "text": _insert.excluded.text,
        "scope": _insert.excluded.scope,
        "until": _insert.excluded.until,
        "change": _insert.excluded.change,
        "removed_at": None,
        "vector": case((_c.text == _insert.excluded.text, _c.vector), else_=None),
    },
)
REMOVE = (
    update(search_entries)
    .where(*_MINE, _c.number == bindparam("key"), _c.removed_at.is_(None))
    .values(text="", scope="", vector=None, until=None, change=_NEXT, removed_at=bindparam("now"))
)
SET_VECTOR = (
    update(search_entries)
    .where(*_MINE, _c.id == bindparam("key"), _c.text == bindparam("read"))
    .values(vector=bindparam("made"), change=_NEXT)
)
_CHANGES = (
    select(_c.change, _c.number, _c.vector, _c.scope, _c.until)
    .where(*_MINE, _c.change > bindparam("after"))
    .order_by(_c.change)
    .limit(bindparam("most"))
)
_PURGE = text(
    "DELETE FROM search_entries WHERE id IN (SELECT gone.id FROM search_entries AS gone WHERE gone.removed_at < :before"
    " AND gone.change < (SELECT max(newer.change) FROM search_entries AS newer WHERE newer.collection = gone.collection"
    " AND newer.workspace_id = gone.workspace_id) LIMIT :most) RETURNING id"
).bindparams(bindparam("before", type_=_c.removed_at.type))
_ANY_BEYOND = text("SELECT rowid FROM search_words WHERE search_words MATCH :match LIMIT 1 OFFSET :beyond")
_NEWEST_FROM = text(
    "SELECT rowid FROM search_words WHERE search_words MATCH :match ORDER BY rowid DESC LIMIT 1 OFFSET :beyond"
)
_BY_WORDS = text(
    "SELECT entry.number, entry.text FROM search_words JOIN search_entries AS entry ON entry.id = search_words.rowid"
    " WHERE search_words MATCH :match AND search_words.rowid >= :oldest AND entry.workspace_id = :workspace"
    " AND entry.collection = :within AND (entry.until IS NULL OR entry.until > :now)"
    " ORDER BY bm25(search_words, 1.0, 0.0), entry.number DESC LIMIT :most"
).bindparams(bindparam("workspace", type_=_c.workspace_id.type), bindparam("now", type_=_c.until.type))


@dataclass(slots=True)
class _Held:
    shelf: Shelf | None = None
    caught_up_at: datetime = _LONG_AGO
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Shelves:
    """Every shelf of this process, the one asked longest ago first."""

    def __init__(self) -> None:
        self.held: OrderedDict[tuple[str, WorkspaceId], _Held] = OrderedDict()

    def of(self, key: tuple[str, WorkspaceId]) -> _Held:
        held = self.held.setdefault(key, _Held())
        self.held.move_to_end(key)
        return held

    def keep_within(self, most: int) -> None:
        total = sum(len(held.shelf) for held in self.held.values() if held.shelf is not None)
        for held in list(self.held.values())[:-1]:
            if total <= most:
                return
            if held.shelf is not None:
                total -= len(held.shelf)
                held.shelf = None


async def find(ctx: Ctx, collection: str, query: Query, scope: str, labels: Labels) -> Found:
    """Both halves, at the same time where they are long."""
    if query.vector is None:
        return Found(await _by_words(ctx, collection, query, scope, labels), [], {})
    near = await _nearest(ctx, collection, query, query.vector, labels)
    words = await _by_words(ctx, collection, query, scope, labels)
    cosines = dict(near)
    unknown = [number for number in words if number not in cosines]
    held = ctx.runtime.local(_Shelves).of((collection, ctx.workspace_id))
    if held.shelf is not None:
        cosines |= held.shelf.cosines(query.vector, unknown)
    return Found(words, [number for number, _ in near], cosines)


async def purge(ctx: Ctx) -> None:
    """Drop the marks of what went days ago; the last change stays, so that no number of a change comes again."""
    values = {"before": ctx.now - MARKS_KEPT, "most": PURGED_AT_ONCE}
    dropped = PURGED_AT_ONCE
    while dropped == PURGED_AT_ONCE:  # in between, others may write
        async with ctx.begin() as unit:
            dropped = len((await (await unit.session()).execute_long(_PURGE, values)).all())


async def _nearest(ctx: Ctx, collection: str, query: Query, vector: Vector, labels: Labels) -> list[tuple[int, float]]:
    shelf = await _shelf(ctx, collection)
    now = ctx.now.timestamp()
    if shelf is None:
        return await _nearest_streamed(ctx, collection, query, vector, labels)
    if len(shelf) <= _ON_THE_LOOP:
        return shelf.nearest(vector, labels, now, query.candidates)
    return await asyncio.to_thread(shelf.nearest, vector, labels, now, query.candidates)


async def _shelf(ctx: Ctx, collection: str) -> Shelf | None:
    """The shelf as this transaction sees the collection; None where it is too large to keep."""
    unit = ctx.the_unit()
    session = await ctx.session()
    if unit.write and unit.stamp(search_entries) is None:
        return None  # it may hold what is never committed: nothing of it may stay in memory
    shelves = ctx.runtime.local(_Shelves)
    held = shelves.of((collection, ctx.workspace_id))
    async with held.turn:
        shelf = held.shelf
        if shelf is None or shelf.is_untidy or ctx.now - held.caught_up_at > _TRUSTED:
            shelf = Shelf()
        values = {"within": collection, "workspace": ctx.workspace_id}
        last: int = (await session.execute(_LAST, values)).scalar_one()
        if last > shelf.change:
            async for changes, reached in _changes(ctx, collection, shelf.change, _AT_ONCE):
                if len(changes) <= _AT_ONCE:
                    shelf.apply(changes)
                else:
                    await asyncio.to_thread(shelf.apply, changes)
                shelf.change = reached
                if len(shelf) > MOST_KEPT:
                    held.shelf = None
                    return None
        held.shelf, held.caught_up_at = shelf, ctx.now
    shelves.keep_within(MOST_KEPT)
    return shelf


async def _changes(
    ctx: Ctx, collection: str, after: int, first: int = _CHUNK
) -> AsyncIterator[tuple[list[Change], int]]:
    """What changed after a change, in pieces; a first small one on the loop, because most of the time it is all."""
    session = await ctx.session()
    most, run = first, session.execute if first < _CHUNK else session.execute_long
    while True:
        values = {"within": collection, "workspace": ctx.workspace_id, "after": after, "most": most}
        rows = (await run(_CHANGES, values)).all()
        if rows:
            after = rows[-1].change
            yield [_change(row) for row in rows], after
        if len(rows) < most:
            return
        most, run = _CHUNK, session.execute_long


def _change(row: Any) -> Change:
    return Change(row.number, row.vector, row.scope, _NEVER if row.until is None else row.until.timestamp())


async def _nearest_streamed(
    ctx: Ctx, collection: str, query: Query, vector: Vector, labels: Labels
) -> list[tuple[int, float]]:
    """The same answer without keeping anything: piece by piece from the database."""
    best: list[tuple[int, float]] = []
    async for changes, _ in _changes(ctx, collection, 0):
        piece = Shelf()
        await asyncio.to_thread(piece.apply, changes)
        found = piece.nearest(vector, labels, ctx.now.timestamp(), query.candidates)
        best = nsmallest(query.candidates, [*best, *found], key=lambda pair: (-pair[1], -pair[0]))
    return best


async def _by_words(ctx: Ctx, collection: str, query: Query, scope: str, labels: Labels) -> dict[int, str]:
    terms = terms_of(query.text)
    if not terms:
        return {}
    session = await ctx.session()
    match, oldest = await _bounded(ctx, terms, scope, labels)
    values = {
        "match": match, "oldest": oldest, "workspace": ctx.workspace_id, "within": collection, "now": ctx.now,
        "most": query.candidates,
    }  # fmt: skip
    return {row.number: row.text for row in (await session.execute_long(_BY_WORDS, values)).all()}


async def _bounded(ctx: Ctx, terms: Sequence[Term], scope: str, labels: Labels) -> tuple[str, int]:
    """An expression that few entries match, and the oldest one to look at."""
    session = await ctx.session()

    async def is_common(match: str) -> bool:
        return (await session.execute(_ANY_BEYOND, {"match": match, "beyond": COMMON})).first() is not None

    every = sqlite_match(terms, scope, labels)
    if not await is_common(every):
        return every, 0
    rare = [term for term in terms if not await is_common(sqlite_match([term], scope, labels))]
    if rare:
        return sqlite_match(rare, scope, labels), 0
    together = sqlite_match(terms, scope, labels, joint="AND")
    for match in (together, every):
        found = (await session.execute(_NEWEST_FROM, {"match": match, "beyond": COMMON})).first()
        if found is not None:
            return match, found.rowid
        if (await session.execute(_ANY_BEYOND, {"match": match, "beyond": 0})).first() is not None:
            return match, 0
    return every, 0
