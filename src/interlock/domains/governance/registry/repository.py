"""Rows of the AI registry."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.registry.models import ai_system_days, ai_systems, registry_marks
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.registry.views import AiSystem, Footprint, SystemId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository, insert_if_absent

COUNTS = ("authorized", "escalated", "denied", "unsupervised")
_columns, _days, _marks = ai_systems.c, ai_system_days.c, registry_marks.c
_BY_SUBJECT = select(ai_systems).where(
    _columns.workspace_id == bindparam("workspace"),
    _columns.kind == bindparam("kind"),
    _columns.subject == bindparam("subject"),
)
_ELEVATED = select(_columns.kind, _columns.subject, _columns.level).where(
    _columns.workspace_id == bindparam("workspace"),
    text("level IN ('high', 'critical')"),  # as the partial index has it; a parameter would hide it from the planner
    _columns.removed_at.is_(None),
)
_AFTER = (
    select(ai_systems)
    .where(
        _columns.workspace_id == bindparam("workspace"),
        _columns.id > bindparam("after"),
        _columns.removed_at.is_(None),
    )
    .order_by(_columns.id)
    .limit(bindparam("most"))
)
_DAYS_OF = select(ai_system_days).where(_days.system_id == bindparam("system"), _days.day >= bindparam("since"))
_MARK = select(_marks.sequence, _marks.usage_at).where(_marks.workspace_id == bindparam("workspace"))
_ADD_MARK = insert(registry_marks)
_MOVE_MARK = (
    update(registry_marks)
    .where(_marks.workspace_id == bindparam("b_workspace"))
    .values(sequence=bindparam("sequence"), usage_at=bindparam("usage_at"))
)


def _counting(dialect_insert: Any) -> Any:
    fresh = dialect_insert(ai_system_days)
    sums = {name: _days[name] + fresh.excluded[name] for name in COUNTS}
    return fresh.on_conflict_do_update(index_elements=["system_id", "day"], set_=sums)


_COUNT: dict[bool, Any] = {False: _counting(sqlite_insert), True: _counting(postgres_insert)}


class AiSystems(Repository[AiSystem]):
    """AI systems of a workspace, newest first."""

    table = ai_systems
    view = AiSystem
    thing = "AI system"
    listing = ListSpec()

    async def of_subject(self, kind: SystemKind, subject: str) -> AiSystem | None:
        """The system of this kind and name; None while it was never seen."""
        parameters = {"workspace": self.ctx.workspace_id, "kind": kind, "subject": subject}
        row = (await (await self.ctx.session()).execute(_BY_SUBJECT, parameters)).first()
        return None if row is None else self.to_view(row)

    async def insert(self, values: Mapping[str, Any]) -> bool:
        """Add a system unless it is there already; tells which."""
        row = {"guid": SystemId.new(), "workspace_id": self.ctx.workspace_id, **values}
        return await insert_if_absent(self.ctx, ai_systems, row)

    async def after(self, number: int, most: int) -> list[AiSystem]:
        """The next systems in the order they were added."""
        parameters = {"workspace": self.ctx.workspace_id, "after": number, "most": most}
        rows = (await (await self.ctx.session()).execute(_AFTER, parameters)).all()
        return [self.to_view(row) for row in rows]


async def elevated(ctx: Ctx) -> dict[tuple[SystemKind, str], RiskLevel]:
    """The systems whose level bears on verdicts."""
    rows = (await (await ctx.session()).execute(_ELEVATED, {"workspace": ctx.workspace_id})).all()
    return {(row.kind, row.subject): row.level for row in rows}


async def days_of(ctx: Ctx, system_id: SystemId, since: str) -> list[Row[Any]]:
    """What a system did on each day from one on."""
    parameters = {"system": system_id, "since": since}
    return list((await (await ctx.session()).execute(_DAYS_OF, parameters)).all())


async def count(ctx: Ctx, system_id: SystemId, day: str, counts: Footprint) -> None:
    """Add to what a system did on a day."""
    session = await ctx.session()
    row = {"workspace_id": ctx.workspace_id, "system_id": system_id, "day": day, **dict(counts)}
    await session.execute(_COUNT[session.is_postgres], row)


async def mark(ctx: Ctx) -> tuple[int, datetime] | None:
    """How far the ledgers were read; None where the workspace was never looked at."""
    row = (await (await ctx.session()).execute(_MARK, {"workspace": ctx.workspace_id})).first()
    return None if row is None else (row.sequence, row.usage_at)


async def move_mark(ctx: Ctx, sequence: int, usage_at: datetime) -> None:
    """Note how far the ledgers were read."""
    session = await ctx.session()
    values = {"sequence": sequence, "usage_at": usage_at}
    moved = await session.execute(_MOVE_MARK, {"b_workspace": ctx.workspace_id, **values})
    if moved.rowcount == 0:
        await session.execute(_ADD_MARK, {"workspace_id": ctx.workspace_id, **values})


async def hold(ctx: Ctx) -> None:
    """Let nobody else read this workspace's ledgers into the registry until this unit of work ends."""
    await (await ctx.session()).lock(f"registry:{ctx.workspace_id.hex}")
