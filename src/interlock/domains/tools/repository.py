"""Rows of the tools domain; the statements of the hot path are built once."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.tools.models import tool_calls
from interlock.domains.tools.states import LIFECYCLE, CallState
from interlock.domains.tools.views import ToolCall, ToolCallId
from interlock.kit.ids import RunId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository

_c = tool_calls.c
_INSERT = {
    True: postgres_insert(tool_calls).on_conflict_do_nothing().returning(_c.id),
    False: sqlite_insert(tool_calls).on_conflict_do_nothing().returning(_c.id),
}
_MINE = _c.workspace_id == bindparam("workspace")
_BY_KEY = select(tool_calls).where(_MINE, _c.idempotency_key == bindparam("key"))
_BY_ID = select(tool_calls).where(_MINE, _c.guid == bindparam("key"))
_HELD_OF_RUN = select(tool_calls).where(_MINE, _c.run_id == bindparam("run_id"), _c.state == literal_column("'held'"))
_AWAITING = select(tool_calls).where(_MINE, _c.request_hash == bindparam("request_hash"), _c.awaits_repeat)
_CONSUME = update(tool_calls).where(_MINE, _c.guid == bindparam("b_key"), _c.awaits_repeat).values(awaits_repeat=False)
_TAKE = (
    update(tool_calls)
    .where(_MINE, _c.guid == bindparam("b_key"), _c.state == bindparam("b_from"), _c.attempt == bindparam("b_attempt"))
    .values(
        state=CallState.EXECUTING,
        attempt=_c.attempt + 1,
        leased_until=bindparam("b_until"),
        leased_by=bindparam("b_server"),
        edited_hash=bindparam("b_edited"),
    )
)
_SETTLE = (
    update(tool_calls)
    .where(_MINE, _c.guid == bindparam("b_key"), _c.state == bindparam("b_from"))
    .values(
        state=bindparam("b_state"),
        result=bindparam("b_result"),
        reason=bindparam("b_reason"),
        policy_id=bindparam("b_policy"),
        cost=bindparam("b_cost"),
        latency_ms=bindparam("b_latency"),
        edited_hash=bindparam("b_edited"),
        settled_at=bindparam("b_now"),
        leased_until=None,
    )
)
# Calls that belong to a run or an approval are tried again by them; only long after is nobody coming any more.
_ABANDONED = (
    select(tool_calls)
    .where(
        # Written out, because a partial index serves only a condition it can see.
        _c.state == literal_column("'executing'"),
        or_(
            and_(_c.run_id.is_(None), _c.escalation_id.is_(None), _c.leased_until < bindparam("now")),
            _c.leased_until < bindparam("long_ago"),
        ),
    )
    .limit(100)
)
_LONG = timedelta(hours=1)
_RECENT = select(_c.args_hash, _c.arguments).where(_MINE).order_by(_c.id.desc()).limit(bindparam("most"))


class ToolCalls(Repository[ToolCall]):
    """Calls of a workspace, newest first."""

    table = tool_calls
    view = ToolCall
    thing = "tool call"
    listing = ListSpec(filters=frozenset({"tool", "state", "run_id"}))

    async def insert(self, values: dict[str, Any]) -> bool:
        """Put a call on record; False when its idempotency key is taken."""
        session = await self.ctx.session()
        row = {"workspace_id": self.ctx.workspace_id, **values}
        return (await session.execute(_INSERT[session.is_postgres], row)).first() is not None

    async def by_key(self, key: str) -> Row[Any] | None:
        """The call made under an idempotency key."""
        session = await self.ctx.session()
        return (await session.execute(_BY_KEY, {"workspace": self.ctx.workspace_id, "key": key})).first()

    async def row(self, call_id: ToolCallId) -> Row[Any] | None:
        """The call as stored."""
        session = await self.ctx.session()
        return (await session.execute(_BY_ID, {"workspace": self.ctx.workspace_id, "key": call_id})).first()

    async def awaiting(self, request_hash: str) -> Row[Any] | None:
        """The held or decided call whose repeat this would be."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "request_hash": request_hash}
        return (await session.execute(_AWAITING, parameters)).first()

    async def held_of_run(self, run_id: RunId) -> list[Row[Any]]:
        """The calls of a run that are not executed yet."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "run_id": run_id}
        return list((await session.execute(_HELD_OF_RUN, parameters)).all())

    async def consume(self, call_id: ToolCallId) -> bool:
        """Hand the outcome to a repeat, once; False when another repeat was quicker."""
        session = await self.ctx.session()
        parameters = {"workspace": self.ctx.workspace_id, "b_key": call_id}
        return (await session.execute(_CONSUME, parameters)).rowcount == 1

    async def take(self, row: Row[Any], until: datetime, edited_hash: str | None) -> bool:
        """Begin to execute a held call, or take over an interrupted one; False when somebody else did."""
        session = await self.ctx.session()
        parameters = {
            "workspace": self.ctx.workspace_id,
            "b_key": row.guid,
            "b_from": row.state,
            "b_attempt": row.attempt,
            "b_until": until,
            "b_server": self.ctx.runtime.server,
            "b_edited": edited_hash,
        }
        return (await session.execute(_TAKE, parameters)).rowcount == 1

    async def settle(self, call_id: ToolCallId, source: CallState, state: CallState, values: dict[str, Any]) -> bool:
        """Record the end of a call; False when it had ended before."""
        LIFECYCLE.check(source, state)
        session = await self.ctx.session()
        parameters = {
            "workspace": self.ctx.workspace_id,
            "b_key": call_id,
            "b_from": source,
            "b_state": state,
            "b_now": self.ctx.now,
            **values,
        }
        return (await session.execute(_SETTLE, parameters)).rowcount == 1


async def recent_arguments(ctx: Ctx, most: int) -> dict[str, dict[str, Any]]:
    """The masked arguments of the latest calls, by their hash."""
    rows = await (await ctx.session()).execute_long(_RECENT, {"workspace": ctx.workspace_id, "most": most})
    return {row.args_hash: row.arguments for row in rows}


async def abandoned(ctx: Ctx) -> list[Row[Any]]:
    """Calls of every workspace that were interrupted and that nobody will try again."""
    session = await ctx.session()
    return list((await session.execute(_ABANDONED, {"now": ctx.now, "long_ago": ctx.now - _LONG})).all())
