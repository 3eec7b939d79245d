"""Running totals: every question about spending is one indexed read, every change one statement per total."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.governance.budgets.models import CounterScope, spend_counters
from interlock.domains.governance.budgets.views import Spend
from interlock.kit.ids import TypedId
from interlock.kit.money import ZERO
from interlock.runtime.context import Ctx

_columns = spend_counters.c
_KEY = ("workspace_id", "scope", "period", "subject")
_TOOL_LENGTH = 200


class Total(NamedTuple):
    """Which running total."""

    scope: CounterScope
    period: str
    subject: str = ""


class Change(NamedTuple):
    """What is added to a total; only set-aside money may go down again."""

    total: Total
    spent: Decimal = ZERO
    reserved: Decimal = ZERO
    unknown: int = 0


def month_of(moment: datetime) -> str:
    """The UTC month, such as `2026-08`."""
    return day_of(moment)[:7]


def day_of(moment: datetime) -> str:
    """The UTC day, such as `2026-08-31`."""
    return moment.astimezone(UTC).date().isoformat()


def month_total(moment: datetime) -> Total:
    """The workspace's month."""
    return Total(CounterScope.WORKSPACE, month_of(moment))


def day_total(moment: datetime) -> Total:
    """The workspace's day."""
    return Total(CounterScope.WORKSPACE, day_of(moment))


def run_total(run_id: TypedId) -> Total:
    """A run, for all time."""
    return Total(CounterScope.RUN, "", run_id.hex)


def agent_totals(moment: datetime, agent_id: TypedId) -> tuple[Total, Total]:
    """An agent's month and day."""
    subject = agent_id.hex
    return (
        Total(CounterScope.AGENT, month_of(moment), subject),
        Total(CounterScope.AGENT, day_of(moment), subject),
    )


def tool_totals(moment: datetime, tool: str) -> tuple[Total, Total]:
    """A tool's month and day."""
    subject = tool[:_TOOL_LENGTH]
    return Total(CounterScope.TOOL, month_of(moment), subject), Total(CounterScope.TOOL, day_of(moment), subject)


def touched(moment: datetime, run_id: TypedId | None, agent_id: TypedId | None, tool: str | None) -> list[Total]:
    """Every total that an expense counts in."""
    totals = [month_total(moment), day_total(moment)]
    if run_id is not None:
        totals.append(run_total(run_id))
    if agent_id is not None:
        totals.extend(agent_totals(moment, agent_id))
    if tool:
        totals.extend(tool_totals(moment, tool))
    return totals


@lru_cache(maxsize=32)
def _reading(count: int) -> Select[Any]:
    wanted = or_(
        *(
            and_(
                _columns.scope == bindparam(f"scope{index}"),
                _columns.period == bindparam(f"period{index}"),
                _columns.subject == bindparam(f"subject{index}"),
            )
            for index in range(count)
        )
    )
    return select(spend_counters).where(_columns.workspace_id == bindparam("workspace"), wanted)


async def read(ctx: Ctx, totals: Sequence[Total]) -> dict[Total, Spend]:
    """Where the totals stand; one never touched stands at zero."""
    if not totals:
        return {}
    parameters: dict[str, Any] = {"workspace": ctx.workspace_id}
    for index, total in enumerate(totals):
        parameters |= {f"scope{index}": total.scope, f"period{index}": total.period, f"subject{index}": total.subject}
    rows = await (await ctx.session()).execute(_reading(len(totals)), parameters)
    found = {
        Total(row.scope, row.period, row.subject): Spend(spent=row.spent, reserved=row.reserved, unknown=row.unknown)
        for row in rows
    }
    return {total: found.get(total, Spend()) for total in totals}


_TOOLS = select(_columns.subject, _columns.spent, _columns.reserved, _columns.unknown).where(
    _columns.workspace_id == bindparam("workspace"),
    _columns.scope == CounterScope.TOOL,
    _columns.period == bindparam("period"),
)


async def read_tools(ctx: Ctx, period: str) -> dict[str, Spend]:
    """What each tool cost in a month or day."""
    rows = await (await ctx.session()).execute(_TOOLS, {"workspace": ctx.workspace_id, "period": period})
    return {row.subject: Spend(spent=row.spent, reserved=row.reserved, unknown=row.unknown) for row in rows}


_MOVED = ("spent", "reserved", "unknown")
_WANTED = {name: bindparam(f"b_{name}", type_=_columns[name].type) for name in (*_KEY, *_MOVED)}


def _adding(is_postgres: bool) -> Any:
    statement: Any = (postgres_insert if is_postgres else sqlite_insert)(spend_counters).values(_WANTED)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(_KEY), set_={name: _columns[name] + new[name] for name in _MOVED}
    )


_ADD = {is_postgres: _adding(is_postgres) for is_postgres in (False, True)}

# Not an upsert: a negative proposal would break the CHECK before it met the row it belongs to.
_LOWER = (
    update(spend_counters)
    .where(*(_columns[name] == _WANTED[name] for name in _KEY))
    .values({name: _columns[name] + _WANTED[name] for name in _MOVED})
)


async def move(ctx: Ctx, changes: Iterable[Change]) -> None:
    """Change totals, each with one statement; one from which set-aside money is taken exists already."""
    sums: dict[Total, Change] = {}
    for change in changes:
        known = sums.get(change.total)
        sums[change.total] = change if known is None else _sum(known, change)
    rows = [_row(ctx, change) for change in sums.values() if change.spent or change.reserved or change.unknown]
    session = await ctx.session()
    for statement, chosen in (
        (_LOWER, [row for row in rows if row["b_reserved"] < 0]),
        (_ADD[session.is_postgres], [row for row in rows if row["b_reserved"] >= 0]),
    ):
        if chosen:
            await session.execute(statement, chosen)


def _sum(one: Change, other: Change) -> Change:
    return Change(one.total, one.spent + other.spent, one.reserved + other.reserved, one.unknown + other.unknown)


def _row(ctx: Ctx, change: Change) -> dict[str, Any]:
    return {
        "b_workspace_id": ctx.workspace_id,
        "b_scope": change.total.scope,
        "b_period": change.total.period,
        "b_subject": change.total.subject,
        "b_spent": change.spent,
        "b_reserved": change.reserved,
        "b_unknown": change.unknown,
    }
