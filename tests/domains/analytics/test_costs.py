"""What things cost, by day and by whatever people ask: kept as it is spent, on both databases."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from interlock.domains.analytics import service as analytics
from interlock.domains.analytics.service import CostsOf
from interlock.domains.analytics.views import CostReport, CostRow
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import SpentBy, UsageKind
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import AgentId, WorkflowId
from interlock.runtime.context import Actor, ActorKind, Ctx
from tests.domains.governance.backstage import within
from tests.domains.governance.conftest import either_world, world
from tests.domains.governance.world import World

__all__ = ["either_world", "world"]

# The world's clock stands at noon of 31 August 2026 (UTC).
TODAY = date(2026, 8, 31)


async def spend(ctx: Ctx, cost: str | None, reference: str, **values: Any) -> None:
    given = {"kind": UsageKind.MODEL, "cost": None if cost is None else Decimal(cost), "reference": reference, **values}
    await within(ctx, lambda unit: budgets.settle(unit, budgets.Settle.model_validate(given)))


async def costs(world: World, **values: Any) -> CostReport:
    return await world.call(analytics.report, CostsOf.model_validate(values))


def told(rows: tuple[CostRow, ...]) -> dict[str, Decimal]:
    return {row.label: row.amount.cost for row in rows}


async def test_a_workspace_that_spent_nothing_has_a_report_of_zeros(either_world: World) -> None:
    report = await costs(either_world)
    assert (report.since, report.until) == (TODAY - timedelta(days=29), TODAY)
    assert len(report.days) == 30
    assert report.total.cost == 0
    assert report.projection is None
    assert report.by_model == report.by_agent == report.by_caller == ()


async def test_what_yesterday_cost_is_one_number(either_world: World) -> None:
    world = either_world
    await spend(world.ctx, "1.25", "a", model="gpt-x", provider="openai", input_tokens=10, output_tokens=5)
    await spend(world.ctx, "0.75", "b", model="gpt-x", provider="openai", input_tokens=1)
    world.clock.advance(timedelta(days=1))
    await spend(world.ctx, "4", "c", model="claude-y", provider="anthropic")
    report = await costs(world, since="2026-08-31", until="2026-09-01")
    assert report.yesterday.cost == Decimal(2)
    assert (report.yesterday.calls, report.yesterday.input_tokens, report.yesterday.output_tokens) == (2, 11, 5)
    assert report.today.cost == report.month.cost == Decimal(4), "a new month has begun"
    assert report.last_month.cost == Decimal(2)
    assert [(spend.day, spend.amount.cost) for spend in report.days] == [
        (date(2026, 8, 31), Decimal(2)),
        (date(2026, 9, 1), Decimal(4)),
    ]
    assert told(report.by_model) == {"claude-y": Decimal(4), "gpt-x": Decimal(2)}
    assert [row.kind for row in report.by_model] == ["anthropic", "openai"]
    assert told(report.by_provider) == {"anthropic": Decimal(4), "openai": Decimal(2)}
    assert report.by_model[0].share == pytest.approx(4 / 6)


async def test_the_sums_equal_the_counters_that_caps_look_at(either_world: World) -> None:
    world = either_world
    for number, cost in enumerate(("0.000000001", "3.3", "12", None)):
        await spend(world.ctx, cost, f"r{number}", tool=f"t{number}", kind=UsageKind.TOOL)
    report = await costs(world)
    assert {cap.name: cap.spent for cap in report.caps} == {
        "monthly": report.month.cost,
        "daily": report.today.cost,
    }
    assert report.month.cost == Decimal("15.300000001")
    assert (report.total.calls, report.total.unknown) == (4, 1)
    assert told(report.by_tool)["t3"] == 0, "an unknown price is no price, but a call it was"


async def test_a_cost_told_twice_counts_once(either_world: World) -> None:
    await spend(either_world.ctx, "2", "same")
    await spend(either_world.ctx, "2", "same")
    report = await costs(either_world)
    assert (report.total.cost, report.total.calls) == (Decimal(2), 1)


async def test_a_cost_belongs_to_its_agent_and_to_its_caller(either_world: World) -> None:
    world = either_world
    agent, workflow = AgentId.new(), WorkflowId.new()
    as_agent = world.ctx.acting_as(Actor(ActorKind.AGENT, agent, "Refund desk"), frozenset())
    as_flow = world.ctx.acting_as(Actor(ActorKind.WORKFLOW, workflow, "Triage"), frozenset())
    await spend(as_agent, "1", "a", agent_id=agent, model="m")
    await spend(as_flow, "2", "b", agent_id=AgentId.of(workflow), model="m")
    await spend(
        world.ctx, "4", "c", agent_id=AgentId.new(), agent_name="my-bot", kind=UsageKind.CHECK, tool="crm.create"
    )
    by = SpentBy(kind=ActorKind.CLIENT, id=AgentId.new(), label="Claude Desktop")
    await spend(world.ctx, "8", "d", spent_by=by, kind=UsageKind.TOOL, tool="stripe.refund")
    report = await costs(world)
    assert told(report.by_agent) == {"Refund desk": Decimal(1), "my-bot": Decimal(4)}
    assert {row.label: (row.key, row.kind) for row in report.by_agent} == {
        "Refund desk": (str(agent), "agent"),
        "my-bot": ("my-bot", "name"),
    }
    assert [(row.label, row.key) for row in report.by_workflow] == [("Triage", str(workflow))]
    assert told(report.by_caller) == {
        "Claude Desktop": Decimal(8),
        world.ctx.actor.label: Decimal(4),
        "Triage": Decimal(2),
        "Refund desk": Decimal(1),
    }
    assert told(report.by_kind) == {"tool": Decimal(8), "check": Decimal(4), "model": Decimal(3)}


async def test_what_a_workflows_agents_spend_is_shown_with_it_and_counted_once(either_world: World) -> None:
    world = either_world
    workflow = WorkflowId.new()
    as_flow = world.ctx.acting_as(Actor(ActorKind.WORKFLOW, workflow, "Triage"), frozenset())
    await spend(as_flow, "2", "own", agent_id=AgentId.of(workflow))
    await spend(world.ctx, "3", "child", agent_id=AgentId.new())
    await within(world.ctx, lambda unit: budgets.attribute(unit, AgentId.of(workflow), "Triage", Decimal(3)))
    report = await costs(world)
    [row] = report.by_workflow
    assert (row.amount.cost, row.included) == (Decimal(2), Decimal(3))
    assert report.total.cost == Decimal(5)
    assert report.total.calls == 2


async def test_a_renamed_agent_goes_by_its_latest_name(either_world: World) -> None:
    world = either_world
    agent = AgentId.new()
    for reference, name in (("a", "Zebra"), ("b", "Ant")):
        acting = world.ctx.acting_as(Actor(ActorKind.AGENT, agent, name), frozenset())
        await spend(acting, "1", reference, agent_id=agent)
        world.clock.advance(timedelta(days=1))
    report = await costs(world)
    assert told(report.by_agent) == {"Ant": Decimal(2)}


async def test_simultaneous_costs_all_count(either_world: World) -> None:
    await asyncio.gather(*(spend(either_world.ctx, "0.5", f"r{number}", model="m") for number in range(20)))
    report = await costs(either_world)
    assert (report.today.cost, report.today.calls) == (Decimal(10), 20)


async def test_the_rest_of_a_long_list_is_summed_up(world: World) -> None:
    for number in range(1, 6):
        await spend(world.ctx, str(number), f"r{number}", model=f"m{number}")
    report = await costs(world, top=2)
    assert told(report.by_model) == {"m5": Decimal(5), "m4": Decimal(4), "3 others": Decimal(6)}
    assert report.by_model[-1].key == ""


async def test_another_workspaces_costs_are_not_seen(either_world: World) -> None:
    world = either_world
    await spend(await world.elsewhere(), "9", "a", model="m")
    assert (await costs(world)).total.calls == 0


async def test_days_far_apart_are_read_too(world: World) -> None:
    await spend(world.ctx, "1", "a")
    world.clock.advance(timedelta(days=400))
    report = await costs(world, since="2026-08-30", until="2026-09-02")
    assert report.total.cost == Decimal(1)
    assert report.month.cost == 0


@pytest.mark.parametrize(
    "wrong", [{"since": "2026-09-01", "until": "2026-08-01"}, {"since": "2024-01-01", "until": "2026-08-01"}]
)
async def test_a_stretch_that_cannot_be_is_refused(world: World, wrong: dict[str, str]) -> None:
    with pytest.raises(InterlockError) as refusal:
        await costs(world, **wrong)
    assert refusal.value.kind is Kind.INVALID
    assert refusal.value.data["field"] == "since"


async def test_the_projection_is_the_mean_of_the_last_full_days(either_world: World) -> None:
    world = either_world
    world.clock.advance(timedelta(days=11))  # noon of 11 September
    for day in range(9):
        await spend(world.ctx, str(day + 1), f"r{day}")
        world.clock.advance(timedelta(days=1))
    await spend(world.ctx, "100", "today")
    report = await costs(world)  # noon of 20 September; 1 to 9 dollars from the 11th to the 19th
    assert report.projection is not None
    assert (report.projection.daily_mean, report.projection.days_counted) == (Decimal(6), 7)
    assert report.projection.days_left == 10.5
    assert report.projection.amount == Decimal(45 + 100) + Decimal(6) * Decimal("10.5")
    assert "mean of the last 7 full days" in report.projection.method
    assert report.projection.cap_reached_on is None
    await world.call(budgets.update, budgets.UpdateBudget.model_validate({"monthly_cap": 163}))
    capped = (await costs(world)).projection
    assert capped is not None
    assert capped.cap_reached_on == date(2026, 9, 23), "18 dollars are left, three days' worth"


async def test_a_young_workspace_is_projected_from_the_days_it_has(world: World) -> None:
    await spend(world.ctx, "4", "a")
    assert (await costs(world)).projection is None, "not one full day yet"
    world.clock.advance(timedelta(days=2))
    projection = (await costs(world)).projection
    assert projection is not None
    assert (projection.days_counted, projection.daily_mean) == (2, Decimal(2))
