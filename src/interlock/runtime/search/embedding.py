"""Makes the vectors of entries that wait, off the request path: many to a model call, few jobs to a flood."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import bindparam, delete, select

from interlock.kit.operations import Nothing
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import insert_if_absent
from interlock.runtime.search import postgres, sqlite
from interlock.runtime.search.schema import DIMENSIONS, search_entries, search_work

if TYPE_CHECKING:
    from interlock.runtime.search.entries import Vector

# The vectors of texts, in their order; None where the workspace may not use a model.
Embed: TypeAlias = "Callable[[Ctx, Sequence[str]], Awaitable[Sequence[Vector] | Vector | None]]"

BATCH = 64
_LONGEST = 4_000  # the embedded model reads 256 tokens

_c = search_entries.c
_w = search_work.c
_THIS = (_w.collection == bindparam("within"), _w.workspace_id == bindparam("workspace"))
# Shared by all who rely on the job, so that it cannot begin before they are durable.
_ON_ITS_WAY = select(_w.id).where(*_THIS).with_for_update(read=True)
_BEGUN = delete(search_work).where(*_THIS)
_WAITING = (
    select(_c.id, _c.text)
    .where(
        _c.collection == bindparam("within"),
        _c.workspace_id == bindparam("workspace"),
        _c.vector.is_(None),
        _c.removed_at.is_(None),
        _c.id > bindparam("after"),
    )
    .order_by(_c.id)
    .limit(BATCH)
)


class _Turns:
    """One job at a time for each workspace's collection in this process."""

    def __init__(self) -> None:
        self.turns: dict[tuple[str, WorkspaceId], asyncio.Lock] = defaultdict(asyncio.Lock)


async def ask(ctx: Ctx, collection: str, job: str) -> None:
    """See that a job is on its way which will find what this unit of work has written."""
    session = await ctx.session()
    values = {"within": collection, "workspace": ctx.workspace_id}
    while (await session.execute(_ON_ITS_WAY, values)).first() is None:
        row = {"collection": collection, "workspace_id": ctx.workspace_id}
        if await insert_if_absent(ctx, search_work, row):
            await ctx.runtime.jobs.enqueue(ctx, job, Nothing())
            return


async def fill(ctx: Ctx, collection: str, embed: Embed) -> None:
    """Embed what waits, a batch at a time, until nothing does; safe to repeat and to break off anywhere."""
    key = (collection, ctx.workspace_id)
    mine: dict[str, Any] = {"within": collection, "workspace": ctx.workspace_id}
    async with ctx.runtime.local(_Turns).turns[key]:
        async with ctx.begin() as unit:
            await (await unit.session()).execute(_BEGUN, mine)
        after = 0
        while True:
            async with ctx.begin(write=False) as unit:
                rows = (await (await unit.session()).execute(_WAITING, {**mine, "after": after})).all()
            if not rows:
                return
            vectors = await embed(ctx, [row.text[:_LONGEST] for row in rows])
            if vectors is None:
                return
            made = [
                {**mine, "key": row.id, "read": row.text, "made": checked(vector)}
                for row, vector in zip(rows, vectors, strict=True)
            ]
            async with ctx.begin() as unit:
                session = await unit.session()
                await session.execute(postgres.SET_VECTOR if session.is_postgres else sqlite.SET_VECTOR, made)
            after = rows[-1].id


def checked(vector: Vector) -> Vector:
    """A vector of the right length, or a clear error."""
    if len(vector) != DIMENSIONS:
        raise ValueError(f"search compares vectors of {DIMENSIONS} numbers, not {len(vector)}")
    return vector
