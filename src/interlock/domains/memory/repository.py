"""Rows of the memory domain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, cast, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import ColumnElement

from interlock.domains.memory.models import memories, memory_recalls
from interlock.domains.memory.states import OwnerKind
from interlock.domains.memory.views import Memory, MemoryId, MemoryRecall, Why
from interlock.kit.paging import ListSpec, Page, PageQuery
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import Repository
from interlock.runtime.search import fused_score

FORGOTTEN_AT_ONCE = 200
_PURGED_AT_ONCE = 1_000

_c = memories.c
_ADD = {
    False: sqlite_insert(memories).on_conflict_do_nothing().returning(_c.id),
    True: postgres_insert(memories).on_conflict_do_nothing().returning(_c.id),
}
_SAME = select(memories).where(
    _c.workspace_id == bindparam("workspace"),
    _c.owner_kind == bindparam("kind"),
    _c.owner_id == bindparam("whose"),
    _c.content_hash == bindparam("hash"),
)
_ACCESSED = (
    update(memories)
    .where(_c.workspace_id == bindparam("workspace"), _c.id == bindparam("key"))
    .values(access_count=_c.access_count + bindparam("times"), last_accessed_at=bindparam("at"))
)
_recalls = memory_recalls.c
_ADD_RECALLS = insert(memory_recalls)
_RECALLS_OF = (
    select(memory_recalls)
    .where(_recalls.memory == bindparam("number"), _recalls.workspace_id == bindparam("workspace"))
    .order_by(_recalls.id.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
)
_DROP_RECALLS = delete(memory_recalls).where(
    _recalls.memory == bindparam("number"), _recalls.workspace_id == bindparam("workspace")
)
_OLD_RECALLS = select(_recalls.id).where(_recalls.at < bindparam("before")).limit(_PURGED_AT_ONCE)
_PURGE_RECALLS = delete(memory_recalls).where(_recalls.id.in_(_OLD_RECALLS)).returning(_recalls.id)
_FADING = select(memories).where(_c.forget_at <= bindparam("now")).order_by(_c.forget_at).limit(bindparam("most"))


class Memories(Repository[Memory]):
    """Memories of a workspace, newest first."""

    table = memories
    view = Memory
    thing = "memory"
    listing = ListSpec()
    _numbered = select(memories).where(
        _c.workspace_id == bindparam("workspace"), _c.id.in_(bindparam("numbers", expanding=True))
    )

    async def add_unless_known(self, key: MemoryId, **values: Any) -> Memory | None:
        """Insert it; None where its owner remembers the same content already."""
        session = await self.ctx.session()
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, **values}
        added = (await session.execute(_ADD[session.is_postgres], row)).first()
        return None if added is None else Memory.model_validate({**row, "id": key, "number": added.id})

    async def same(self, kind: OwnerKind, owner_id: str, content_hash: str) -> Memory | None:
        """What this owner remembers with this content."""
        values = {"workspace": self.ctx.workspace_id, "kind": kind, "whose": owner_id, "hash": content_hash}
        row = (await (await self.ctx.session()).execute(_SAME, values)).first()
        return None if row is None else self.to_view(row)

    async def numbered(self, numbers: Sequence[int]) -> dict[int, Memory]:
        """By their numbers, as far as they are there."""
        values = {"workspace": self.ctx.workspace_id, "numbers": list(numbers)}
        rows = (await (await self.ctx.session()).execute(self._numbered, values)).all()
        return {row.id: self.to_view(row) for row in rows}

    async def tagged(self, tag: str) -> ColumnElement[bool]:
        """The condition that a memory carries a tag."""
        if (await self.ctx.session()).is_postgres:
            return cast(_c.tags, JSONB).contains([tag])
        each = func.json_each(_c.tags).table_valued("value")
        return exists(select(text("1")).select_from(each).where(each.c.value == tag))

    def live(self) -> list[ColumnElement[bool]]:
        """The conditions that a memory is in active use."""
        return [
            _c.archived.is_(False),
            or_(_c.expires_at.is_(None), _c.expires_at > self.ctx.now, _c.pinned.is_(True)),
        ]


async def count_accesses(ctx: Ctx, counts: Mapping[tuple[WorkspaceId, int], tuple[int, datetime]]) -> None:
    """Add what was read, of any workspace."""
    values = [
        {"workspace": workspace_id, "key": number, "times": times, "at": at}
        for (workspace_id, number), (times, at) in counts.items()
    ]
    await (await ctx.session()).execute(_ACCESSED, values)


async def fading(ctx: Ctx) -> list[tuple[WorkspaceId, Memory]]:
    """Some of what may be due to be forgotten, of any workspace."""
    rows = (await (await ctx.session()).execute(_FADING, {"now": ctx.now, "most": FORGOTTEN_AT_ONCE})).all()
    return [(row.workspace_id, Memories(ctx).to_view(row)) for row in rows]


async def add_recalls(ctx: Ctx, values: Sequence[Mapping[str, Any]]) -> None:
    """Keep why memories were found, of any workspace."""
    if values:
        await (await ctx.session()).execute(_ADD_RECALLS, list(values))


async def recalls_of(ctx: Ctx, number: int, query: PageQuery) -> Page[MemoryRecall]:
    """A page of the times a memory was found, newest first."""
    values = {"number": number, "workspace": ctx.workspace_id, "most": query.limit, "skipped": query.offset}
    rows = await (await ctx.session()).execute_long(_RECALLS_OF, values)
    return Page(tuple(_recall(row) for row in rows), query.limit, query.offset)


async def drop_recalls(ctx: Ctx, number: int) -> None:
    """Forget when and why a memory was found."""
    await (await ctx.session()).execute_long(_DROP_RECALLS, {"number": number, "workspace": ctx.workspace_id})


async def purge_recalls(ctx: Ctx, before: datetime) -> bool:
    """Delete a batch of old recalls of any workspace; tells whether there may be more."""
    return len((await (await ctx.session()).execute_long(_PURGE_RECALLS, {"before": before})).all()) == _PURGED_AT_ONCE


def _recall(row: Row[Any]) -> MemoryRecall:
    values = dict(row._mapping)
    reasons = {name: values.pop(name) for name in ("reason", "word_rank", "meaning_rank", "nearness", "coverage")}
    why = Why(fused=fused_score(row.word_rank, row.meaning_rank), **reasons)
    return MemoryRecall.model_validate({**values, "number": values.pop("id"), "why": why})
