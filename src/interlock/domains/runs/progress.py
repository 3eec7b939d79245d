"""How a run's progress is kept: its steps, totals, status and events, each change one exactly-once transaction."""

from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import BaseModel

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.events import RunEnded
from interlock.domains.runs.repository import Runs, Steps
from interlock.domains.runs.states import LIFECYCLE, RunStatus, StepKind, StepStatus
from interlock.domains.runs.views import StepId
from interlock.kit.ids import RunId
from interlock.kit.money import ZERO
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Flow, Json


def stream_of(run_id: RunId) -> str:
    """The name of a run's event stream."""
    return f"run:{run_id}"


class StepRecord(BaseModel):
    """A step as it will be kept; `cost` None means the price is unknown."""

    kind: StepKind
    name: str
    status: StepStatus
    decision: Decision | None = None
    reason: str | None = None
    call_id: str | None = None
    cost: Decimal | None = ZERO
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    detail: dict[str, Any] = {}


class Progress:
    """Writes what happened in one run. Positions count up the same way on every replay."""

    def __init__(self, flow: Flow, run_id: RunId) -> None:
        self.flow = flow
        self.run_id = run_id
        self._position = 0

    async def note(self, key: str, kind: str, data: dict[str, Any]) -> None:
        """Tell followers something that is no step."""
        await self.flow.transact(key, partial(self._append, kind, data))

    async def keep(self, key: str, record: StepRecord, kind: str) -> None:
        """Keep a finished step, add it to the totals, tell followers."""
        position, self._position = self._position, self._position + 1
        await self.flow.transact(key, partial(self._keep, position, record, kind))

    async def hold(self, key: str, record: StepRecord) -> None:
        """Show a call that waits for a person; the settled call later takes the same place."""
        await self.flow.transact(key, partial(self._hold, self._position, record))

    async def resume(self, key: str) -> None:
        """A person has decided: the run works again."""
        await self.flow.transact(key, self._resume)

    async def end(self, status: RunStatus, *, output: dict[str, Any] | None = None, error: str | None = None) -> Json:
        """Close the run, whichever way it ended."""
        await self.flow.transact("end", partial(self._end, status, output, error))
        return {"status": status.value}

    async def _append(self, kind: str, data: dict[str, Any], ctx: Ctx) -> Json:
        await ctx.runtime.streams.append(ctx, stream_of(self.run_id), kind, data)
        return None

    async def _keep(self, position: int, record: StepRecord, kind: str, ctx: Ctx) -> Json:
        await self._put(ctx, position, record)
        await Runs(ctx).add_up(self.run_id)
        await self._append(kind, _event_data(position, record), ctx)
        return None

    async def _hold(self, position: int, record: StepRecord, ctx: Ctx) -> Json:
        await self._put(ctx, position, record)
        await Runs(ctx).move(self.run_id, RunStatus.WAITING_APPROVAL)
        await self._append("tool.held", _event_data(position, record), ctx)
        return None

    async def _resume(self, ctx: Ctx) -> Json:
        await Runs(ctx).move(self.run_id, RunStatus.RUNNING)
        await self._append("run.resumed", {}, ctx)
        return None

    async def _end(self, status: RunStatus, output: dict[str, Any] | None, error: str | None, ctx: Ctx) -> Json:
        runs = Runs(ctx)
        if LIFECYCLE.is_final((await runs.get(self.run_id)).status):
            return None
        await runs.move(self.run_id, status, output=output, error=error, completed_at=ctx.now)
        data = {"output": output} if error is None else {"error": error}
        await self._append(f"run.{status.value}", data, ctx)
        await ctx.emit(RunEnded(run_id=self.run_id, status=status))
        return None

    async def _put(self, ctx: Ctx, position: int, record: StepRecord) -> None:
        values = record.model_dump(exclude={"detail"})
        await Steps(ctx).put(self.run_id, position, guid=StepId.new(), at=ctx.now, **values)


def _event_data(position: int, record: StepRecord) -> dict[str, Any]:
    data = record.model_dump(mode="json", exclude={"detail", "cost"}, exclude_none=True)
    cost = None if record.cost is None else float(record.cost)
    return {"position": position, **data, "cost": cost, **record.detail}
