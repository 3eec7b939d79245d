"""Whatever happens in whatever order: totals equal the rows they sum, and the cap holds for what is set aside."""

import asyncio
import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from interlock.domains.governance.budgets import counters
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.counters import Total
from interlock.domains.governance.budgets.models import budget_reservations, spend_counters, usage_entries
from interlock.domains.governance.budgets.states import ReservationStatus
from interlock.domains.governance.budgets.views import ReservationId, UsageKind
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import TypedId
from interlock.kit.money import ZERO
from interlock.runtime.context import Ctx
from interlock.runtime.settings import Settings
from tests.domains.governance.backstage import within
from tests.domains.governance.world import World, build

CAP = Decimal(20)


class RunId(TypedId):
    """Stands for the runs' own id."""

    prefix: ClassVar[str] = "run"


RUNS = (None, RunId.new(), RunId.new())
AGENTS = (None, RunId.new())
TOOLS = (None, "slack_send", "stripe_refund")
money = st.decimals(min_value=0, max_value=9, places=9)
who = st.tuples(st.sampled_from(RUNS), st.sampled_from(AGENTS), st.sampled_from(TOOLS))
index = st.integers(min_value=0, max_value=5)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), money, who),
        st.tuples(st.just("settle"), st.none() | money, st.tuples(index, index, who)),
        st.tuples(st.just("release"), st.none(), index),
        st.tuples(st.just("sweep"), st.none(), st.none()),
        st.tuples(st.just("wait"), st.none(), st.sampled_from([1, 14, 16, 60 * 13, -60 * 13, 60 * 24 * 31])),
    ),
    max_size=25,
)


class Story:
    """Plays steps against the budgets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.held: list[ReservationId] = []
        self.expected_spent: dict[str, Decimal | None] = {}

    async def play(self, verb: str, amount: Decimal | None, detail: Any) -> None:
        """Do one step; a refusal by the cap is part of the story."""
        try:
            await within(self.world.ctx, lambda ctx: self._step(ctx, verb, amount, detail))
        except InterlockError as error:
            assert error.kind is Kind.BUDGET_EXCEEDED  # noqa: PT017 - anything else fails the property

    async def _step(self, ctx: Ctx, verb: str, amount: Decimal | None, detail: Any) -> None:
        match verb, detail:
            case "reserve", (run, agent, tool):
                command = budgets.Reserve(
                    amount=amount or ZERO, kind=UsageKind.TOOL, run_id=run, agent_id=agent, tool=tool
                )
                self.held.append((await budgets.reserve(ctx, command)).id)
                assert (await budgets.headroom(ctx)).month.committed <= CAP
            case "settle", (held, reference, (run, agent, tool)):
                name = f"call-{reference}"
                usage = await budgets.settle(
                    ctx,
                    budgets.Settle(
                        kind=UsageKind.TOOL,
                        cost=amount,
                        reference=name,
                        reservation_id=self._held(held),
                        run_id=run,
                        agent_id=agent,
                        tool=tool,
                    ),
                )
                assert usage.cost == self.expected_spent.setdefault(name, amount)
            case "release", int(held) if self.held:
                key = self._held(held)
                assert key is not None
                await budgets.release(ctx, key)
            case "sweep", _:
                await budgets.sweep(ctx)
            case "wait", int(minutes):
                self.world.clock.advance(timedelta(minutes=minutes))

    def _held(self, number: int) -> ReservationId | None:
        return self.held[number % len(self.held)] if self.held else None


async def check(ctx: Ctx) -> None:
    """Compare every total with the rows it sums."""
    spent: dict[Total, Decimal] = defaultdict(lambda: ZERO)
    reserved: dict[Total, Decimal] = defaultdict(lambda: ZERO)
    unknown: dict[Total, int] = defaultdict(int)
    async with ctx.begin(write=False) as reading:
        session = await reading.session()
        for row in await session.execute(select(usage_entries)):
            for total in counters.touched(row.at, row.run_id, row.agent_id, row.tool):
                if row.cost is None:
                    unknown[total] += 1
                else:
                    spent[total] += row.cost
        for row in await session.execute(select(budget_reservations)):
            if row.status is ReservationStatus.HELD:
                for total in counters.touched(row.created_at, row.run_id, row.agent_id, row.tool):
                    reserved[total] += row.amount
        for row in await session.execute(select(spend_counters)):
            total = Total(row.scope, row.period, row.subject)
            assert row.reserved >= 0
            assert isinstance(row.spent, Decimal)
            assert (row.spent, row.reserved, row.unknown) == (
                spent.pop(total, ZERO),
                reserved.pop(total, ZERO),
                unknown.pop(total, 0),
            )
    assert not any(spent.values())
    assert not any(reserved.values())
    assert not unknown


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
def test_totals_always_equal_the_rows_they_sum(steps: list[tuple[str, Decimal | None, Any]]) -> None:
    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = await build(Settings(data_dir=Path(folder), database_url=None))
            await world.call(budgets.update, budgets.UpdateBudget(monthly_cap=CAP))
            told = Story(world)
            for step in steps:
                await told.play(*step)
            await check(world.ctx)
            await world.runtime.database.close()

    asyncio.run(story())


@given(moment=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds the zone
def test_days_and_months_are_those_of_utc(moment: datetime) -> None:
    utc = moment.astimezone(UTC)
    assert counters.day_of(moment) == utc.date().isoformat()
    assert counters.day_of(moment).startswith(counters.month_of(moment))
