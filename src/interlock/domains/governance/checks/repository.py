"""Rows of the checks."""

from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.governance.budgets.views import ReservationId
from interlock.domains.governance.checks.models import checks
from interlock.domains.governance.checks.views import CheckId, CheckVerdict
from interlock.kit.errors import not_found
from interlock.runtime.context import Ctx

_columns = checks.c
_WORKSPACE = _columns.workspace_id == bindparam("workspace")
_BY_KEY = select(checks).where(_WORKSPACE, _columns.idempotency_key == bindparam("key"))
_BY_ID = select(checks).where(_WORKSPACE, _columns.guid == bindparam("check"))
_INSERT: dict[bool, Any] = {
    is_postgres: dialect_insert(checks)
    .on_conflict_do_nothing(index_elements=["workspace_id", "idempotency_key"])
    .returning(_columns.id)
    for is_postgres, dialect_insert in ((False, sqlite_insert), (True, postgres_insert))
}
_DECIDE = (
    update(checks)
    .where(_columns.workspace_id == bindparam("b_workspace"), _columns.guid == bindparam("b_check"))
    .values({name: bindparam(name) for name in ("decision", "reason", "policy_id", "approval_id", "reservation_id")})
)
_RESERVE = (
    update(checks)
    .where(_columns.workspace_id == bindparam("b_workspace"), _columns.guid == bindparam("b_check"))
    .values(reservation_id=bindparam("reservation_id"))
)


async def add(ctx: Ctx, row: dict[str, Any]) -> bool:
    """Keep a check; False when its idempotency key is taken, also by a call that is just being answered."""
    session = await ctx.session()
    values = {"workspace_id": ctx.workspace_id, "created_at": ctx.now, **row}
    return (await session.execute(_INSERT[session.is_postgres], values)).first() is not None


async def by_key(ctx: Ctx, key: str) -> Row[Any]:
    """The check that took an idempotency key."""
    row = (await (await ctx.session()).execute(_BY_KEY, {"workspace": ctx.workspace_id, "key": key})).first()
    if row is None:
        raise not_found("check with idempotency key", key)
    return row


async def find(ctx: Ctx, check_id: CheckId) -> Row[Any] | None:
    """What is remembered of a check beside its ledger entry."""
    parameters = {"workspace": ctx.workspace_id, "check": check_id}
    return (await (await ctx.session()).execute(_BY_ID, parameters)).first()


def columns_of(verdict: CheckVerdict, reservation_id: ReservationId | None) -> dict[str, Any]:
    """A verdict as columns."""
    return {
        "decision": verdict.decision,
        "reason": verdict.reason.replace("\x00", "\ufffd"),
        "policy_id": verdict.policy_id,
        "approval_id": verdict.approval_id,
        "reservation_id": reservation_id,
    }


async def decide(ctx: Ctx, verdict: CheckVerdict, reservation_id: ReservationId | None) -> None:
    """Write the verdict into a row that claimed its key."""
    where = {"b_workspace": ctx.workspace_id, "b_check": verdict.check_id}
    await (await ctx.session()).execute(_DECIDE, {**where, **columns_of(verdict, reservation_id)})


async def keep_reservation(ctx: Ctx, check_id: CheckId, reservation_id: ReservationId) -> None:
    """Remember the money set aside for a check that a person has allowed since."""
    where = {"b_workspace": ctx.workspace_id, "b_check": check_id}
    await (await ctx.session()).execute(_RESERVE, {**where, "reservation_id": reservation_id})
