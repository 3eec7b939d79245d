"""Costs: by day, model, provider, agent, workflow, caller and tool, beside the caps and a projection."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import Field

from interlock.domains.analytics.projecting import WINDOW, project
from interlock.domains.analytics.views import CapStanding, CostReport, CostRow
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import Amount, Budget, DaySpend, OwnerKind, Slice
from interlock.kit.errors import invalid
from interlock.kit.ids import AgentId, WorkflowId
from interlock.kit.money import ZERO
from interlock.kit.operations import Command, Nothing, operation
from interlock.runtime.context import Ctx

_DAY = timedelta(days=1)
_USUAL_DAYS = 30
MOST_DAYS = 366
_NOTHING = Amount()


class CostsOf(Command):
    """Which UTC days, both ends included; without any, the last thirty."""

    since: Annotated[date | None, Field(description="The first day, such as 2026-08-01.")] = None
    until: Annotated[date | None, Field(description="The last day; today when it is left out.")] = None
    top: Annotated[int, Field(ge=1, le=100, description="How many rows of each list; the rest is summed up.")] = 20


class _Thing(NamedTuple):
    """What a row of a list is about."""

    key: str
    label: str
    kind: str


@operation("costs.report")
async def report(ctx: Ctx, command: CostsOf) -> CostReport:
    """Show what was spent by day, model, agent, workflow, key and tool, with the caps and a projection of the month."""
    today = ctx.now.astimezone(UTC).date()
    since, until = _stretch(command, today)
    month = today.replace(day=1)
    last_month = (month - _DAY).replace(day=1)
    known = {
        spend.day: spend.amount
        for first, last in _stretches((since, until), (min(last_month, today - WINDOW * _DAY), today))
        for spend in await budgets.spent_by_day(ctx, first, last)
    }
    slices = await budgets.spent_by_what(ctx, since, until)
    budget = await budgets.get(ctx, Nothing())
    days = tuple(DaySpend(day=day, amount=known.get(day, _NOTHING)) for day in _days(since, until))
    total = _sum(spend.amount for spend in days)
    spent = _sum(known.get(day, _NOTHING) for day in _days(month, today))
    spent_by_day = {day: amount.cost for day, amount in known.items()}
    first_day = await budgets.first_day_of_spending(ctx)

    def rows(thing_of: Callable[[Slice], _Thing | None]) -> tuple[CostRow, ...]:
        return _ranked(slices, thing_of, total.cost, command.top)

    return CostReport(
        since=since,
        until=until,
        total=total,
        days=days,
        today=known.get(today, _NOTHING),
        yesterday=known.get(today - _DAY, _NOTHING),
        month=spent,
        last_month=_sum(known.get(day, _NOTHING) for day in _days(last_month, month - _DAY)),
        projection=project(spent_by_day, first_day, spent.cost, budget.monthly_cap, ctx.now),
        caps=_caps(budget),
        by_model=rows(_model),
        by_provider=rows(_provider),
        by_agent=rows(_agent),
        by_workflow=rows(_workflow),
        by_caller=rows(_caller),
        by_tool=rows(_tool),
        by_kind=rows(_kind),
    )


def _stretch(command: CostsOf, today: date) -> tuple[date, date]:
    until = command.until or max(today, command.since or today)
    since = command.since or until - (_USUAL_DAYS - 1) * _DAY
    if since > until:
        raise invalid("'since' lies behind 'until'.", field="since", hint="Give the earlier day as 'since'.")
    if (until - since).days >= MOST_DAYS:
        raise invalid(f"A report covers at most {MOST_DAYS} days.", field="since", hint="Ask for fewer days at a time.")
    return since, until


def _stretches(*wanted: tuple[date, date]) -> list[tuple[date, date]]:
    """The days to read: one stretch where the wanted ones touch, so that no day is read twice."""
    first, second = sorted(wanted)
    if second[0] <= first[1] + _DAY:
        return [(first[0], max(first[1], second[1]))]
    return [first, second]


def _days(first: date, last: date) -> list[date]:
    return [first + _DAY * count for count in range((last - first).days + 1)]


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = _NOTHING
    for amount in amounts:
        if amount.calls:
            total = total.plus(amount)
    return total


def _caps(budget: Budget) -> tuple[CapStanding, ...]:
    return (
        CapStanding(name="monthly", limit=budget.monthly_cap, spent=budget.monthly_spent),
        CapStanding(name="daily", limit=budget.daily_cap, spent=budget.daily_spent),
    )


def _ranked(
    slices: Iterable[Slice], thing_of: Callable[[Slice], _Thing | None], total: Decimal, top: int
) -> tuple[CostRow, ...]:
    """The dearest first; what is beyond the first `top` as one row without a key."""
    sums: dict[tuple[str, str], tuple[_Thing, Amount, Decimal]] = {}
    for part in slices:
        thing = thing_of(part)
        if thing is None:
            continue
        place = (thing.kind, thing.key)
        known, amount, included = sums.get(place, (thing, _NOTHING, ZERO))
        sums[place] = (known if known.label else thing, amount.plus(part.amount), included + part.attributed)
    ordered = sorted(sums.values(), key=lambda item: (-(item[1].cost + item[2]), -item[1].calls, item[0].label))
    rows = [_row(thing, amount, included, total) for thing, amount, included in ordered[:top]]
    rest = ordered[top:]
    if rest:
        others = _Thing("", f"{len(rest)} others", "")
        rows.append(_row(others, _sum(item[1] for item in rest), sum((item[2] for item in rest), ZERO), total))
    return tuple(rows)


def _row(thing: _Thing, amount: Amount, included: Decimal, total: Decimal) -> CostRow:
    share = float(amount.cost / total) if total else 0.0
    return CostRow(key=thing.key, label=thing.label, kind=thing.kind, amount=amount, share=share, included=included)


def _model(part: Slice) -> _Thing | None:
    return _Thing(part.model, part.model, part.provider) if part.model else None


def _provider(part: Slice) -> _Thing | None:
    return _Thing(part.provider, part.provider, "provider") if part.provider else None


def _agent(part: Slice) -> _Thing | None:
    if part.owner is None or part.owner_kind not in {OwnerKind.AGENT, OwnerKind.NAME}:
        return None
    key = str(AgentId.of(part.owner)) if part.owner_kind is OwnerKind.AGENT else part.owner_label
    return _Thing(key, part.owner_label or key, part.owner_kind.value)


def _workflow(part: Slice) -> _Thing | None:
    if part.owner is None or part.owner_kind is not OwnerKind.WORKFLOW:
        return None
    key = str(WorkflowId.of(part.owner))
    return _Thing(key, part.owner_label or key, part.owner_kind.value)


def _caller(part: Slice) -> _Thing | None:
    if part.caller_kind is None:
        return None
    key = part.caller or part.caller_kind.value
    return _Thing(key, part.caller_label or key, part.caller_kind.value)


def _tool(part: Slice) -> _Thing | None:
    return _Thing(part.tool, part.tool, "tool") if part.tool else None


def _kind(part: Slice) -> _Thing | None:
    return _Thing(part.kind.value, part.kind.value, "kind") if part.amount.calls else None
