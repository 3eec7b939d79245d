"""Rows of the memory domain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, cast, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import ColumnElement

from interlock.domains.memory.models import memories
from interlock.domains.memory.states import OwnerKind
from interlock.domains.memory.views import Memory, MemoryId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import Repository

FORGOTTEN_AT_ONCE = 200

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
