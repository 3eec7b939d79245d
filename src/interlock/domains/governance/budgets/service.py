"""Budgets: set money aside before a cost is known, settle after, refuse what a cap does not allow, and tell in time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from interlock.domains.governance.budgets import counters, holds, repository
from interlock.domains.governance.budgets.counters import Change, Total
from interlock.domains.governance.budgets.errors import Cap, budget_exceeded
from interlock.domains.governance.budgets.events import BudgetAlertFired
from interlock.domains.governance.budgets.jobs import plan_sweep
from interlock.domains.governance.budgets.repository import Plan
from interlock.domains.governance.budgets.states import ReservationStatus
from interlock.domains.governance.budgets.views import (
    AlertChannel,
    Budget,
    Caps,
    Headroom,
    Reservation,
    ReservationId,
    Spend,
    Usage,
    UsageId,
    UsageKind,
)
from interlock.domains.governance.locks import hold_workspace
from interlock.domains.org import service as org
from interlock.kit.errors import InterlockError, forbidden, invalid
from interlock.kit.ids import AgentId, RunId
from interlock.kit.money import ZERO, Usd
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.patch import changes
from interlock.runtime.context import ActorKind, Ctx

_MAY_NOT_SET = frozenset({ActorKind.CLIENT, ActorKind.AGENT, ActorKind.ANONYMOUS})

ToolName = Annotated[str, Field(min_length=1, max_length=200)]
Tokens = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Reserve(Command):
    """Money to set aside; `run_cap` is an agent's own ceiling for the run."""

    amount: Usd
    kind: UsageKind
    run_id: RunId | None = None
    agent_id: AgentId | None = None
    run_cap: Usd | None = None
    tool: ToolName | None = None


class Settle(Command):
    """What something cost; None is an unknown price. A reference settles once, however often it is told."""

    kind: UsageKind
    cost: Usd | None
    reference: Annotated[str, Field(min_length=1, max_length=200)]
    reservation_id: ReservationId | None = None
    run_id: RunId | None = None
    agent_id: AgentId | None = None
    tool: ToolName | None = None
    model: Annotated[str, Field(max_length=200)] | None = None
    provider: Annotated[str, Field(max_length=120)] | None = None
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cached_tokens: Tokens = 0


class AlertRule(Command):
    """When to tell people, and where."""

    threshold_percent: Annotated[int, Field(ge=1, le=100, description="Share of the monthly cap.")]
    channels: Annotated[tuple[AlertChannel, ...], Field(min_length=1, max_length=len(AlertChannel))]


class UpdateBudget(Command):
    """The caps and alerts to change; absent ones stay, null removes a cap, `alerts` replaces the whole list."""

    monthly_cap: Usd | None = None
    daily_cap: Usd | None = None
    per_run_cap: Usd | None = None
    alerts: Annotated[tuple[AlertRule, ...], Field(max_length=100)] | None = None


async def reserve(ctx: Ctx, command: Reserve) -> Reservation:
    """Set money aside before something is done, in the caller's unit of work.

    Raises:
        InterlockError: budget_exceeded when a cap is reached, or would be exceeded by the amount.
    """
    await hold_workspace(ctx)
    of_run = None if command.run_id is None else counters.run_total(command.run_id)
    await _require(ctx, command.amount, of_run, command.run_cap, in_run=of_run is not None)
    reservation = Reservation(
        id=ReservationId.new(),
        amount=command.amount,
        kind=command.kind,
        run_id=command.run_id,
        agent_id=command.agent_id,
        tool=command.tool,
        expires_at=ctx.now + timedelta(minutes=ctx.settings.check_hold_minutes),
    )
    await holds.take(ctx, reservation)
    await plan_sweep(ctx, reservation.expires_at)
    return reservation


async def settle(ctx: Ctx, command: Settle) -> Usage:
    """Write what something really cost, and let go of what was set aside for it.

    A cost lands even where it passes a cap: it has been spent. The next reservation is refused.

    Raises:
        InterlockError: not_found when the reservation is not this workspace's.
    """
    await hold_workspace(ctx)
    moved: list[Change] = []
    if command.reservation_id is not None:
        moved = await holds.end(ctx, command.reservation_id, ReservationStatus.SETTLED)
    usage = Usage(id=UsageId.new(), at=ctx.now, **command.model_dump(exclude={"reservation_id"}))
    if not await repository.add_usage(ctx, usage):
        await counters.move(ctx, moved)
        earlier = await repository.usage_of(ctx, command.reference)
        if earlier is None:
            raise LookupError(f"usage {command.reference} is neither new nor known")
        return earlier
    unknown = int(usage.cost is None)
    for total in counters.touched(usage.at, usage.run_id, usage.agent_id, usage.tool):
        moved.append(Change(total, spent=usage.cost or ZERO, unknown=unknown))
    await counters.move(ctx, moved)
    if usage.cost:
        await _tell(ctx)
    return usage


async def release(ctx: Ctx, reservation_id: ReservationId) -> None:
    """Give back what was set aside for something that was not done; harmless on one that has ended."""
    await hold_workspace(ctx)
    await counters.move(ctx, await holds.end(ctx, reservation_id, ReservationStatus.RELEASED))


async def release_run(ctx: Ctx, run_id: RunId) -> int:
    """Give back what a run that does nothing at the moment still holds: its server died before it could settle.

    Returns:
        How many reservations there were.
    """
    await hold_workspace(ctx)
    held = await repository.held_by_run(ctx, run_id)
    for key in held:
        await counters.move(ctx, await holds.end(ctx, key, ReservationStatus.RELEASED))
    return len(held)


async def sweep(ctx: Ctx) -> int:
    """Give back what expired reservations of the workspace still hold; tells how many there were."""
    return await holds.sweep(ctx)


async def require_funds(ctx: Ctx, run_cap: Decimal | None = None) -> None:
    """Refuse to start work while a cap is used up.

    Raises:
        InterlockError: budget_exceeded, naming the cap.
    """
    await _require(ctx, ZERO, None, run_cap, in_run=True)


async def attribute(ctx: Ctx, spender: AgentId, cost: Decimal) -> None:
    """Count what others have spent on one's behalf towards one's own ceilings; the workspace has counted it already."""
    await hold_workspace(ctx)
    await counters.move(ctx, [Change(total, spent=cost) for total in counters.agent_totals(ctx.now, spender)])


async def require_day(ctx: Ctx, spender: AgentId, daily_cap: Decimal) -> None:
    """Refuse more work of one that has used up a day's ceiling of its own.

    Raises:
        InterlockError: budget_exceeded.
    """
    day = counters.agent_totals(ctx.now, spender)[1]
    spend = (await counters.read(ctx, [day]))[day]
    if spend.committed >= daily_cap:
        raise budget_exceeded(Cap.WORKFLOW_DAILY, daily_cap, spend, ZERO)


async def caps(ctx: Ctx) -> Caps:
    """The workspace's ceilings; they change only together with its rules version."""
    return (await repository.plan_of(ctx)).caps


async def headroom(
    ctx: Ctx, *, run_id: RunId | None = None, agent_id: AgentId | None = None, tool: str | None = None
) -> Headroom:
    """Where spending stands for a caller, as cost policies compare it."""
    now = ctx.now
    month, day = counters.month_total(now), counters.day_total(now)
    run = None if run_id is None else counters.run_total(run_id)
    agent = None if agent_id is None else counters.agent_totals(now, agent_id)
    of_tool = None if not tool else counters.tool_totals(now, tool)
    totals = [month, day, *([run] if run else []), *(agent or ()), *(of_tool or ())]
    stands = await counters.read(ctx, totals)
    if stands[month].reserved and ctx.the_unit().write and await holds.sweep(ctx):
        stands = await counters.read(ctx, totals)
    return Headroom(
        caps=await caps(ctx),
        month=stands[month],
        day=stands[day],
        run=stands[run] if run else None,
        agent_month=stands[agent[0]] if agent else None,
        agent_day=stands[agent[1]] if agent else None,
        tool_month=stands[of_tool[0]] if of_tool else None,
        tool_day=stands[of_tool[1]] if of_tool else None,
    )


async def spent_by_tools(ctx: Ctx, matches: Callable[[str], bool], *, daily: bool = False) -> Spend:
    """What the tools of a scope cost this month or today; one read of as many rows as tools were used."""
    period = counters.day_of(ctx.now) if daily else counters.month_of(ctx.now)
    chosen = [spend for tool, spend in (await counters.read_tools(ctx, period)).items() if matches(tool)]
    return Spend(
        spent=sum((spend.spent for spend in chosen), ZERO),
        reserved=sum((spend.reserved for spend in chosen), ZERO),
        unknown=sum(spend.unknown for spend in chosen),
    )


async def spent_by_run(ctx: Ctx, run_id: RunId) -> Decimal:
    """What a run has cost so far."""
    total = counters.run_total(run_id)
    return (await counters.read(ctx, [total]))[total].spent


async def month_of_agents(ctx: Ctx, agent_ids: Sequence[AgentId]) -> dict[AgentId, Spend]:
    """What each agent has spent this month (UTC)."""
    totals = {agent_id: counters.agent_totals(ctx.now, agent_id)[0] for agent_id in agent_ids}
    found = await counters.read(ctx, list(totals.values()))
    return {agent_id: found[total] for agent_id, total in totals.items()}


@operation("budget.get")
async def get(ctx: Ctx, command: Nothing) -> Budget:
    """Show caps, what is spent this month and today, and which alerts fired."""
    return await _shown(ctx, await repository.plan_of(ctx))


@operation("budget.update", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateBudget) -> Budget:
    """Set caps and replace the list of alerts."""
    if ctx.actor.kind in _MAY_NOT_SET:
        raise forbidden("Programs under governance may not change the budget.", hint="Use an API key or sign in.")
    await hold_workspace(ctx)
    plan = await repository.plan_of(ctx)
    wanted = changes(command)
    if "alerts" in wanted:
        plan = replace(plan, alerts=_alerts(command.alerts or ()))
        del wanted["alerts"]
    new = plan.caps.model_copy(update=wanted)
    if _rises(plan.caps.monthly_cap, new.monthly_cap):
        plan = replace(plan, fired={})
    plan = replace(plan, caps=new, updated_at=ctx.now)
    await repository.keep_plan(ctx, plan)
    await org.rules_changed(ctx)
    return await _shown(ctx, plan)


def _alerts(rules: tuple[AlertRule, ...]) -> tuple[tuple[int, tuple[AlertChannel, ...]], ...]:
    percents = [rule.threshold_percent for rule in rules]
    for percent in percents:
        if percents.count(percent) > 1:
            raise invalid(f"The threshold {percent} appears twice; merge its channels.", field="alerts")
    return tuple((rule.threshold_percent, tuple(dict.fromkeys(rule.channels))) for rule in rules)


def _rises(old: Decimal | None, new: Decimal | None) -> bool:
    return old is not None and (new is None or new > old)


async def _shown(ctx: Ctx, plan: Plan) -> Budget:
    month, day = counters.month_total(ctx.now), counters.day_total(ctx.now)
    stands = await counters.read(ctx, [month, day])
    cap = plan.caps.monthly_cap
    return Budget(
        **plan.caps.model_dump(),
        alerts=plan.shown_alerts(month.period),
        monthly_spent=stands[month].spent,
        daily_spent=stands[day].spent,
        monthly_remaining=None if cap is None else max(cap - stands[month].spent, ZERO),
        monthly_unknown=stands[month].unknown,
        updated_at=plan.updated_at,
    )


async def _require(ctx: Ctx, amount: Decimal, run: Total | None, run_cap: Decimal | None, *, in_run: bool) -> None:
    """Raise when a cap forbids the amount; only then are expired reservations worth looking for."""
    ceilings = await caps(ctx)
    limits = [
        (Cap.MONTHLY, ceilings.monthly_cap, counters.month_total(ctx.now)),
        (Cap.DAILY, ceilings.daily_cap, counters.day_total(ctx.now)),
        (Cap.PER_RUN, ceilings.per_run_cap if in_run else None, run),
        (Cap.AGENT, run_cap, run),
    ]
    in_force = [(cap, limit, total) for cap, limit, total in limits if limit is not None]
    refusal = await _refusal(ctx, in_force, amount)
    if refusal is not None and ctx.the_unit().write and await holds.sweep(ctx):
        refusal = await _refusal(ctx, in_force, amount)
    if refusal is not None:
        raise refusal


async def _refusal(ctx: Ctx, limits: list[tuple[Cap, Decimal, Total | None]], amount: Decimal) -> InterlockError | None:
    stands = await counters.read(ctx, [total for _, _, total in limits if total is not None])
    for cap, limit, total in limits:
        spend = Spend() if total is None else stands[total]
        if spend.committed >= limit or spend.committed + amount > limit:
            return budget_exceeded(cap, limit, spend, amount)
    return None


async def _tell(ctx: Ctx) -> None:
    """Publish the alerts whose share of the monthly cap is now spent, each once a month."""
    plan = await repository.plan_of(ctx)
    cap = plan.caps.monthly_cap
    if cap is None or not plan.alerts:
        return
    month = counters.month_total(ctx.now)
    spent = (await counters.read(ctx, [month]))[month].spent
    told = plan.fired.get(month.period, [])
    due = {
        percent: channels for percent, channels in plan.alerts if percent not in told and spent * 100 >= percent * cap
    }
    if not due:
        return
    await repository.keep_plan(ctx, plan.with_fired(month.period, due))
    for percent, channels in sorted(due.items()):
        await ctx.emit(
            BudgetAlertFired(
                month=month.period, threshold_percent=percent, channels=channels, monthly_spent=spent, monthly_cap=cap
            )
        )


async def providers_used(ctx: Ctx, since: datetime) -> dict[str, datetime]:
    """When each provider of models was last used after a moment, by the money ledger."""
    return await repository.providers_used(ctx, since)
