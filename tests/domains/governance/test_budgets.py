"""Caps are never overshot, alerts are told once, and what is unknown is not zero."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from interlock.domains.governance.budgets import jobs
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.events import BudgetAlertFired
from interlock.domains.governance.budgets.views import AlertChannel, Budget, Reservation, Usage, UsageKind
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId, RunId
from interlock.kit.operations import Nothing
from interlock.runtime.context import Actor, ActorKind, Ctx
from tests.domains.governance.backstage import another_server, rows, within
from tests.domains.governance.world import World


async def reserve(ctx: Ctx, amount: str, **values: Any) -> Reservation:
    command = budgets.Reserve(amount=Decimal(amount), kind=UsageKind.MODEL, **values)
    return await within(ctx, lambda unit_ctx: budgets.reserve(unit_ctx, command))


async def settle(ctx: Ctx, cost: str | None, reference: str, **values: Any) -> Usage:
    command = budgets.Settle(
        kind=UsageKind.MODEL, cost=None if cost is None else Decimal(cost), reference=reference, **values
    )
    return await within(ctx, lambda unit_ctx: budgets.settle(unit_ctx, command))


async def update(world: World, **values: Any) -> Budget:
    return await world.call(budgets.update, budgets.UpdateBudget.model_validate(values))


async def shown(world: World) -> Budget:
    return await world.call(budgets.get, Nothing())


async def refused(ctx: Ctx, amount: str = "0", **values: Any) -> InterlockError:
    with pytest.raises(InterlockError) as refusal:
        await reserve(ctx, amount, **values)
    assert refusal.value.kind is Kind.BUDGET_EXCEEDED
    assert refusal.value.code == "budget_exceeded"
    return refusal.value


async def test_a_workspace_that_set_nothing_has_no_caps_and_no_alerts(either_world: World) -> None:
    budget = await shown(either_world)
    assert (budget.monthly_cap, budget.monthly_remaining, budget.alerts, budget.updated_at) == (None, None, (), None)
    assert (budget.monthly_spent, budget.daily_spent) == (Decimal(0), Decimal(0))
    await reserve(either_world.ctx, "1000000")


async def test_reading_shows_what_is_spent_and_what_remains(either_world: World) -> None:
    world = either_world
    updated = await update(
        world, monthly_cap=200, per_run_cap=2.5, alerts=[{"threshold_percent": 80, "channels": ["slack"]}]
    )
    assert updated.updated_at == world.clock.now()
    await settle(world.ctx, "47.2", "a")
    budget = await shown(world)
    assert (budget.monthly_spent, budget.daily_spent) == (Decimal("47.2"), Decimal("47.2"))
    assert budget.monthly_remaining == Decimal("152.8")
    assert budget.per_run_cap == Decimal("2.5")
    assert [(alert.threshold_percent, alert.channels, alert.triggered) for alert in budget.alerts] == [
        (80, (AlertChannel.SLACK,), False)
    ]
    assert isinstance(budget.monthly_spent, Decimal)


async def test_the_refusal_names_the_cap_as_the_native_api_shows_it(either_world: World) -> None:
    world = either_world
    await update(world, monthly_cap=200)
    await settle(world.ctx, "200.14", "a")
    error = await refused(world.ctx)
    assert error.message == "Monthly budget cap of $200.00 has been reached"
    assert error.data == {"monthly_spent": 200.14, "monthly_cap": 200.0}
    assert (await shown(world)).monthly_remaining == Decimal(0)


async def test_an_amount_that_would_pass_the_cap_is_refused_and_one_that_meets_it_is_not(either_world: World) -> None:
    world = either_world
    await update(world, monthly_cap=10)
    await settle(world.ctx, "4", "a")
    error = await refused(world.ctx, "6.000000001")
    assert error.message == "Monthly budget cap of $10.00 would be exceeded"
    assert error.data == {"monthly_spent": 4.0, "monthly_cap": 10.0, "requested": 6.0}
    await reserve(world.ctx, "6")
    assert (await refused(world.ctx)).data == {"monthly_spent": 4.0, "monthly_cap": 10.0, "monthly_reserved": 6.0}


async def test_a_cap_of_zero_stops_everything(world: World) -> None:
    await update(world, monthly_cap=0)
    assert (await refused(world.ctx)).message == "Monthly budget cap of $0.00 has been reached"
    with pytest.raises(InterlockError) as refusal:
        await within(world.ctx, budgets.require_funds)
    assert refusal.value.kind is Kind.BUDGET_EXCEEDED


async def test_the_daily_cap_opens_again_at_midnight_utc(either_world: World) -> None:
    world = either_world
    await update(world, daily_cap=1)
    await settle(world.ctx, "1", "a")
    assert (await refused(world.ctx)).data == {"daily_spent": 1.0, "daily_cap": 1.0}
    world.clock.advance(timedelta(hours=11, minutes=59, seconds=59))
    await refused(world.ctx)
    world.clock.advance(timedelta(seconds=1))
    await reserve(world.ctx, "1")
    budget = await shown(world)
    assert (budget.daily_spent, budget.monthly_spent) == (Decimal(0), Decimal(0)), "31 August is over, and so is August"
    world.clock.advance(-timedelta(seconds=1))
    assert (await shown(world)).monthly_spent == Decimal(1), "a clock set back counts in the day it tells"
    await refused(world.ctx)


async def test_money_reserved_last_month_is_given_back_there(either_world: World) -> None:
    world = either_world
    await update(world, monthly_cap=10)
    held = await reserve(world.ctx, "10")
    world.clock.advance(timedelta(hours=12))
    await settle(world.ctx, "3", "a", reservation_id=held.id)
    assert (await shown(world)).monthly_spent == Decimal(3)
    world.clock.advance(-timedelta(hours=12))
    assert (await shown(world)).monthly_spent == Decimal(0)
    await reserve(world.ctx, "10")


async def test_a_run_has_the_smaller_of_its_caps(either_world: World) -> None:
    world = either_world
    await update(world, per_run_cap=2)
    run, other = RunId.new(), RunId.new()
    await settle(world.ctx, "1.5", "a", run_id=run)
    assert (await refused(world.ctx, "0.6", run_id=run)).data["per_run_cap"] == 2.0
    error = await refused(world.ctx, "0.1", run_id=run, run_cap=Decimal("1.5"))
    assert error.data == {"agent_spent": 1.5, "agent_cap": 1.5}
    assert error.message == "Agent per-run budget cap of $1.50 has been reached"
    await reserve(world.ctx, "2", run_id=other)
    await reserve(world.ctx, "50")
    async with world.ctx.begin(write=False) as reading:
        assert await budgets.spent_by_run(reading, run) == Decimal("1.5")
        assert await budgets.spent_by_run(reading, other) == Decimal(0)


async def test_work_does_not_start_without_funds(either_world: World) -> None:
    world = either_world
    await within(world.ctx, budgets.require_funds)
    await update(world, monthly_cap=1, per_run_cap=5)
    await within(world.ctx, budgets.require_funds)
    with pytest.raises(InterlockError, match=r"Agent per-run budget cap of \$0.00"):
        await within(world.ctx, lambda ctx: budgets.require_funds(ctx, run_cap=Decimal(0)))
    await settle(world.ctx, "1", "a")
    with pytest.raises(InterlockError, match="Monthly"):
        await within(world.ctx, budgets.require_funds)
    await update(world, monthly_cap=1.5)
    await within(world.ctx, budgets.require_funds)


async def test_an_unknown_price_is_unknown_and_never_zero(either_world: World) -> None:
    world = either_world
    run = RunId.new()
    usage = await settle(world.ctx, None, "a", run_id=run)
    assert usage.cost is None
    budget = await shown(world)
    assert (budget.monthly_spent, budget.monthly_unknown) == (Decimal(0), 1)
    assert [row.cost for row in await rows(world.ctx, "SELECT cost FROM usage_entries")] == [None]
    free = await settle(world.ctx, "0", "b")
    assert (free.cost, (await shown(world)).monthly_unknown) == (Decimal(0), 1)


async def test_settling_twice_is_once(either_world: World) -> None:
    world = either_world
    held, again = await reserve(world.ctx, "5"), await reserve(world.ctx, "5")
    first = await settle(world.ctx, "3", "call-1", reservation_id=held.id, model="m", input_tokens=10)
    second = await settle(world.ctx, "4", "call-1", reservation_id=again.id)
    assert second == first
    assert (await shown(world)).monthly_spent == Decimal(3)
    await update(world, monthly_cap=10)
    await reserve(world.ctx, "7")  # so both reservations were let go


async def test_a_reservation_ends_once(either_world: World) -> None:
    world = either_world
    await update(world, monthly_cap=10)
    held = await reserve(world.ctx, "10")
    for _ in range(2):
        await within(world.ctx, lambda ctx: budgets.release(ctx, held.id))
    await settle(world.ctx, "4", "a", reservation_id=held.id)
    await reserve(world.ctx, "6")
    await refused(world.ctx)


async def test_another_workspaces_reservation_is_unknown(either_world: World) -> None:
    world = either_world
    held = await reserve(world.ctx, "10")
    other = await world.elsewhere()
    for attempt in (
        lambda ctx: budgets.release(ctx, held.id),
        lambda ctx: budgets.settle(
            ctx, budgets.Settle(kind=UsageKind.TOOL, cost=None, reference="x", reservation_id=held.id)
        ),
    ):
        with pytest.raises(InterlockError) as refusal:
            await within(other, attempt)
        assert refusal.value.kind is Kind.NOT_FOUND
    assert await rows(world.ctx, "SELECT id FROM usage_entries") == []


async def test_expired_reservations_make_room(either_world: World) -> None:
    world = either_world
    await update(world, monthly_cap=10)
    held = await reserve(world.ctx, "10")
    await refused(world.ctx, "1")
    world.clock.advance(timedelta(minutes=15))
    await reserve(world.ctx, "10")
    await settle(world.ctx, "2", "late", reservation_id=held.id)
    assert (await shown(world)).monthly_spent == Decimal(2), "what was spent counts, expired or not"
    await refused(world.ctx, "1")


async def test_one_sweep_is_planned_for_many_reservations(either_world: World) -> None:
    world = either_world
    for _ in range(5):
        await reserve(world.ctx, "1")
    planned = await rows(world.ctx, "SELECT handler, run_at FROM jobs")
    assert [row.handler for row in planned] == ["governance.budgets.sweep"]
    world.clock.advance(timedelta(minutes=20))
    await jobs.sweep(world.ctx, Nothing())
    assert await within(world.ctx, budgets.sweep) == 0
    statement = "SELECT SUM(reserved) AS total FROM spend_counters"
    assert [int(row.total) for row in await rows(world.ctx, statement)] == [0]


async def test_fifty_at_once_cannot_overshoot(either_world: World) -> None:
    world = either_world
    await update(world, monthly_cap=10)
    second = another_server(world)
    attempts = [reserve(ctx, "0.7") for _ in range(25) for ctx in (world.ctx, second)]
    try:
        results = await asyncio.gather(*attempts, return_exceptions=True)
    finally:
        await second.runtime.database.close()
    granted = [result for result in results if isinstance(result, Reservation)]
    denied = [result for result in results if isinstance(result, InterlockError)]
    assert (len(granted), len(denied)) == (14, 36)
    assert {error.kind for error in denied} == {Kind.BUDGET_EXCEEDED}


async def test_alerts_are_told_once_a_month_and_again_when_the_cap_rises(either_world: World) -> None:
    world = either_world

    def told() -> list[tuple[str, int]]:
        return [(event.month, event.threshold_percent) for event in world.heard(BudgetAlertFired)]

    rules = [
        {"threshold_percent": 100, "channels": ["email"]},
        {"threshold_percent": 50, "channels": ["slack", "email"]},
    ]
    await update(world, monthly_cap=10, alerts=rules)
    await settle(world.ctx, "4.999999999", "a")
    assert told() == []
    await settle(world.ctx, "0.000000001", "b")
    assert told() == [("2026-08", 50)]
    await settle(world.ctx, "1", "c")
    await settle(world.ctx, "9", "d")
    assert told() == [("2026-08", 50), ("2026-08", 100)]
    [first, _] = world.heard(BudgetAlertFired)
    assert (first.channels, first.monthly_spent, first.monthly_cap) == (("slack", "email"), Decimal(5), Decimal(10))
    assert [alert.triggered for alert in (await shown(world)).alerts] == [True, True]
    await update(world, monthly_cap=20)
    assert [alert.triggered for alert in (await shown(world)).alerts] == [False, False]
    await settle(world.ctx, "0.5", "e")
    assert told()[2:] == [("2026-08", 50)]
    await update(world, monthly_cap=15)
    await settle(world.ctx, "0.1", "f")
    assert told()[3:] == [("2026-08", 100)], "a lower cap tells only what was not told"
    world.clock.advance(timedelta(days=1))
    assert [alert.triggered for alert in (await shown(world)).alerts] == [False, False]
    await settle(world.ctx, "8", "g")
    assert told()[4:] == [("2026-09", 50)]
    world.clock.advance(-timedelta(days=1))
    await settle(world.ctx, "1", "h")
    assert len(told()) == 5, "a clock set back does not tell again"


async def test_both_servers_together_tell_an_alert_once(either_world: World) -> None:
    world = either_world
    await update(world, monthly_cap=1, alerts=[{"threshold_percent": 10, "channels": ["slack"]}])
    second = another_server(world)
    try:
        await asyncio.gather(
            *(settle(ctx, "0.1", f"{ctx is second}{n}") for n in range(5) for ctx in (world.ctx, second))
        )
    finally:
        await second.runtime.database.close()
    assert len(world.heard(BudgetAlertFired)) == 1


async def test_updates_change_what_they_mention(either_world: World) -> None:
    world = either_world
    await update(
        world, monthly_cap=5, daily_cap=2, per_run_cap=1, alerts=[{"threshold_percent": 1, "channels": ["slack"]}]
    )
    budget = await update(world, daily_cap=None)
    assert (budget.monthly_cap, budget.daily_cap, budget.per_run_cap) == (Decimal(5), None, Decimal(1))
    assert len(budget.alerts) == 1
    assert (await update(world, alerts=[])).alerts == ()


async def test_a_change_counts_as_a_change_of_rules(either_world: World) -> None:
    before = (await either_world.fresh()).workspace_version
    await update(either_world, monthly_cap=5)
    assert (await either_world.fresh()).workspace_version == before + 1
    async with either_world.ctx.begin(write=False) as reading:
        assert (await budgets.caps(reading)).any


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"monthly_cap": -1}, "monthly_cap"),
        ({"monthly_cap": float("nan")}, "monthly_cap"),
        ({"daily_cap": 1e12}, "daily_cap"),
        ({"per_run_cap": "much"}, "per_run_cap"),
        ({"alerts": [{"threshold_percent": 0, "channels": ["slack"]}]}, "threshold_percent"),
        ({"alerts": [{"threshold_percent": 101, "channels": ["slack"]}]}, "threshold_percent"),
        ({"alerts": [{"threshold_percent": 50, "channels": ["pager"]}]}, "channels"),
        ({"alerts": [{"threshold_percent": 50, "channels": []}]}, "channels"),
        ({"monthly": 5}, "monthly"),
    ],
)
def test_a_wrong_budget_is_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        budgets.UpdateBudget.model_validate(values)
    assert field in [str(part) for error in refusal.value.errors() for part in error["loc"]]


async def test_the_same_threshold_twice_is_refused(world: World) -> None:
    rule = {"threshold_percent": 50, "channels": ["slack"]}
    with pytest.raises(InterlockError, match="50 appears twice") as refusal:
        await update(world, alerts=[rule, rule])
    assert refusal.value.kind is Kind.INVALID


@pytest.mark.parametrize("kind", [ActorKind.CLIENT, ActorKind.AGENT])
async def test_programs_under_governance_may_not_change_the_budget(world: World, kind: ActorKind) -> None:
    actor = Actor(kind, RunId.new(), "program")
    with pytest.raises(InterlockError) as refusal:
        await world.call_as(actor, budgets.update, budgets.UpdateBudget(monthly_cap=Decimal(1)))
    assert refusal.value.kind is Kind.FORBIDDEN
    assert (await world.call_as(actor, budgets.get, Nothing())).monthly_cap is None


def test_negative_costs_and_amounts_do_not_exist() -> None:
    with pytest.raises(ValidationError, match="cost"):
        budgets.Settle(kind=UsageKind.TOOL, cost=Decimal(-1), reference="refund")
    with pytest.raises(ValidationError, match="amount"):
        budgets.Reserve(kind=UsageKind.TOOL, amount=Decimal("-0.01"))


async def test_headroom_tells_what_cost_policies_compare(either_world: World) -> None:
    world = either_world
    agent, run = AgentId.new(), RunId.new()
    await settle(world.ctx, "1", "a", agent_id=agent, run_id=run, tool="slack_send")
    await settle(world.ctx, "2", "b", tool="slack_read")
    await settle(world.ctx, "4", "c", agent_id=agent)
    held = await reserve(world.ctx, "8", agent_id=agent, tool="slack_send", run_id=run)
    world.clock.advance(timedelta(minutes=1))
    async with world.ctx.begin() as unit_ctx:
        room = await budgets.headroom(unit_ctx, run_id=run, agent_id=agent, tool="slack_send")
        slack = await budgets.spent_by_tools(unit_ctx, lambda tool: tool.startswith("slack_"))
        nothing = await budgets.headroom(unit_ctx)
    assert (room.month.spent, room.month.reserved, room.month.committed) == (Decimal(7), Decimal(8), Decimal(15))
    assert room.run is not None
    assert room.agent_month is not None
    assert room.agent_day is not None
    assert room.tool_day is not None
    assert (room.run.committed, room.agent_month.spent, room.tool_day.spent) == (Decimal(9), Decimal(5), Decimal(1))
    assert (slack.spent, slack.reserved) == (Decimal(3), Decimal(8))
    assert (nothing.run, nothing.agent_month, nothing.tool_month) == (None, None, None)
    world.clock.advance(timedelta(minutes=15))
    async with world.ctx.begin() as unit_ctx:
        room = await budgets.headroom(unit_ctx, agent_id=agent)
    assert room.month.reserved == Decimal(0), f"{held.id} has expired"


async def test_what_a_run_still_holds_after_a_crash_is_given_back_and_only_that(either_world: World) -> None:
    world = either_world
    run, other = RunId.new(), RunId.new()
    async with world.ctx.begin() as unit:
        for run_id in (run, run, other):
            await budgets.reserve(unit, budgets.Reserve(amount=Decimal(2), kind=UsageKind.MODEL, run_id=run_id))
    for released in (2, 0):  # the second time, nothing
        async with world.ctx.begin() as unit:
            assert await budgets.release_run(unit, run) == released
            room = await budgets.headroom(unit, run_id=run)
        assert room.run is not None
        assert [room.run.reserved, room.month.reserved] == [Decimal(0), Decimal(2)]


async def test_what_others_spend_on_ones_behalf_fills_ones_own_day_and_nobody_elses(either_world: World) -> None:
    world, workflow = either_world, AgentId.new()
    await settle(world.ctx, "0.6", "child", agent_id=AgentId.new())
    await within(world.ctx, lambda ctx: budgets.require_day(ctx, workflow, Decimal("0.5")))
    await within(world.ctx, lambda ctx: budgets.attribute(ctx, workflow, "Triage", Decimal("0.6")))
    with pytest.raises(InterlockError) as refusal:
        await within(world.ctx, lambda ctx: budgets.require_day(ctx, workflow, Decimal("0.5")))
    assert refusal.value.data["workflow_daily_spent"] == 0.6
    assert (await shown(world)).daily_spent == Decimal("0.6")
