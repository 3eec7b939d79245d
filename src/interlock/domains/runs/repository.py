"""Rows of the runs domain."""

from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.runs.models import run_steps, runs
from interlock.domains.runs.states import LIFECYCLE, RunStatus
from interlock.domains.runs.views import Run, Step
from interlock.kit.ids import RunId
from interlock.kit.paging import ListSpec
from interlock.runtime.repository import Repository

_STEPS = (
    select(run_steps)
    .where(run_steps.c.run_id == bindparam("run"), run_steps.c.workspace_id == bindparam("workspace"))
    .order_by(run_steps.c.position)
)
_TOTALS = select(
    func.coalesce(func.sum(run_steps.c.cost), 0).label("cost"),
    func.coalesce(func.sum(run_steps.c.input_tokens + run_steps.c.output_tokens), 0).label("tokens"),
    func.count().filter(run_steps.c.cost.is_(None)).label("unknown"),
).where(run_steps.c.run_id == bindparam("run"))


class Runs(Repository[Run]):
    """Runs of a workspace, newest first."""

    table = runs
    view = Run
    thing = "run"
    listing = ListSpec(filters=frozenset({"status", "agent_id"}))

    async def move(self, key: RunId, target: RunStatus, **values: Any) -> Run:
        """Change the status as a compare-and-set: of two that race, one gets a conflict."""
        allowed = runs.c.status.in_(LIFECYCLE.sources(target))
        return await self.change(key, {"status": target, **values}, where=[allowed])

    async def add_up(self, key: RunId) -> None:
        """Set the totals to the sum of the steps."""
        session = await self.ctx.session()
        row = (await session.execute(_TOTALS, {"run": key})).one()
        cost = row.cost if isinstance(row.cost, Decimal) else Decimal(row.cost)
        values = {"total_cost": cost, "total_tokens": int(row.tokens), "unknown_costs": int(row.unknown)}
        await session.execute(update(runs).where(runs.c.guid == key).values(**values))


class Steps(Repository[Step]):
    """Steps of runs."""

    table = run_steps
    view = Step
    thing = "step"
    listing = ListSpec(order="position", descending=False)

    async def of_run(self, run_id: RunId) -> tuple[Step, ...]:
        """A run's steps in order."""
        session = await self.ctx.session()
        rows = await session.execute(_STEPS, {"run": run_id, "workspace": self.ctx.workspace_id})
        return tuple(self.to_view(row) for row in rows)

    async def put(self, run_id: RunId, position: int, **values: Any) -> None:
        """Write a step, or overwrite it: a held call takes the same place when it is settled."""
        session = await self.ctx.session()
        row = {"workspace_id": self.ctx.workspace_id, "run_id": run_id, "position": position, **values}
        insert = postgres_insert if session.is_postgres else sqlite_insert
        changed = {name: value for name, value in values.items() if name != "guid"}
        statement = insert(run_steps).values(**row)
        await session.execute(statement.on_conflict_do_update(index_elements=["run_id", "position"], set_=changed))
