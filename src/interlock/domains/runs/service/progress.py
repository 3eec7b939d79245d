"""How a run's progress is kept: its steps, totals, status and events, each change one exactly-once transaction."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import BaseModel

from interlock.domains.governance.policies.views import Decision
from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from interlock.domains.runs.events import AnswerEnded, RunEnded
from interlock.domains.runs.repository import Message, Messages, Runs, Steps
from interlock.domains.runs.states import RunStatus, StepKind, StepStatus, Trigger
from interlock.domains.runs.views import Run, StepId
from interlock.kit.ids import RunId
from interlock.kit.money import ZERO
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Flow, Json

_TROUBLE = frozenset({RunStatus.FAILED, RunStatus.BUDGET_EXCEEDED})
RESUME = "resume"
"""The topic on which a paused run hears that it may go on."""


def stream_of(run_id: RunId) -> str:
    """The name of a run's event stream."""
    return f"run:{run_id}"


def child_topic(child: RunId) -> str:
    """The topic on which a run hears that a run it started has ended."""
    return f"child:{child}"


class StepRecord(BaseModel):
    """A step as it will be kept; `cost` None means the price is unknown."""

    kind: StepKind
    name: str
    status: StepStatus
    node_id: str | None = None
    decision: Decision | None = None
    reason: str | None = None
    call_id: str | None = None
    cost: Decimal | None = ZERO
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    output: Any = None
    branch: str | None = None
    child_run_id: RunId | None = None
    taken_from: RunId | None = None
    detail: dict[str, Any] = {}


_KEPT = tuple(name for name in StepRecord.model_fields if name != "detail")


class Spoken(BaseModel):
    """What a step said to or heard from the model, for a later run that goes on from there."""

    key: str
    value: Any


class Entry(BaseModel):
    """A step with the name of its event; `position` is a place that was kept for it."""

    record: StepRecord
    event: str
    position: int | None = None
    said: Spoken | None = None


class Progress:
    """Writes what happened in one run, and holds it while it is paused."""

    def __init__(self, flow: Flow, run_id: RunId) -> None:
        self.flow = flow
        self.run_id = run_id

    async def note(self, key: str, kind: str, data: dict[str, Any], *, said: Spoken | None = None) -> None:
        """Tell followers something that is no step; `said` is kept as having been said before the first one."""
        await self.flow.transact(key, partial(self._append, kind, data, said=said))

    async def keep(
        self, key: str, record: StepRecord, event: str, *, position: int | None = None, said: Spoken | None = None
    ) -> None:
        """Keep a finished step with what it said, add it to the totals, tell followers."""
        entry = Entry(record=record, event=event, position=position, said=said)
        await self.flow.transact(key, partial(self._keep, entry))

    async def hold(self, key: str, record: StepRecord) -> int:
        """Show a step that waits for a person; returns its position, which the settled step later takes."""
        position: int = await self.flow.transact(key, partial(self._hold, record))
        return position

    async def resume(self, key: str) -> None:
        """A person has decided: the run works again."""
        await self.flow.transact(key, self._resume)

    async def pause_point(self) -> None:
        """Rest here while the run is paused."""
        while await self._is_paused():
            await self.flow.wait(RESUME)

    async def end(
        self,
        status: RunStatus,
        *,
        output: dict[str, Any] | None = None,
        error: str | None = None,
        entries: Sequence[Entry] = (),
    ) -> Json:
        """Close the run, whichever way it ended, together with the steps that were not written yet."""
        await self.flow.transact("end", partial(self._end, status, output, error, entries))
        return {"status": status.value}

    async def write(self, ctx: Ctx, entries: Sequence[Entry]) -> None:
        """Keep several finished steps in a transaction of the caller's."""
        if not entries:
            return
        steps = Steps(ctx)
        free = await steps.next_position(self.run_id)
        fresh: list[dict[str, Any]] = []
        events: list[tuple[str, dict[str, Any]]] = []
        messages: list[Message] = []
        for entry in entries:
            position = entry.position
            if position is None:
                position, free = free, free + 1
                fresh.append(_row(ctx, position, entry.record))
            else:
                await steps.settle(self.run_id, position, _row(ctx, position, entry.record))
            events.append((entry.event, _event_data(position, entry.record)))
            if entry.said is not None:
                messages.append(Message(entry.said.key, entry.said.value, position))
        await steps.insert(self.run_id, fresh)
        await Messages(ctx).keep(self.run_id, messages)
        await ctx.runtime.streams.append_all(ctx, stream_of(self.run_id), events)
        await Runs(ctx).add_steps(self.run_id, [entry.record for entry in entries])

    async def tell(self, ctx: Ctx, kind: str, data: dict[str, Any]) -> None:
        """Tell followers something that is no step, in a transaction of the caller's."""
        await self._append(kind, data, ctx)

    async def _is_paused(self) -> bool:
        async with self.flow.ctx.begin(write=False) as looking:
            return await Runs(looking).status(self.run_id) is RunStatus.PAUSED

    async def _append(self, kind: str, data: dict[str, Any], ctx: Ctx, said: Spoken | None = None) -> Json:
        if said is not None:
            await Messages(ctx).keep(self.run_id, [Message(said.key, said.value)])
        await ctx.runtime.streams.append(ctx, stream_of(self.run_id), kind, data)
        return None

    async def _keep(self, entry: Entry, ctx: Ctx) -> Json:
        await self.write(ctx, [entry])
        return None

    async def _hold(self, record: StepRecord, ctx: Ctx) -> Json:
        position = await Steps(ctx).next_position(self.run_id)
        await Steps(ctx).insert(self.run_id, [_row(ctx, position, record)])
        await Runs(ctx).shift(self.run_id, RunStatus.RUNNING, RunStatus.WAITING_APPROVAL)
        await self._append(f"{record.kind.value}.held", _event_data(position, record), ctx)
        return position

    async def _resume(self, ctx: Ctx) -> Json:
        if not await Steps(ctx).are_waiting(self.run_id, at_least=2):  # this one is still written as waiting
            await Runs(ctx).shift(self.run_id, RunStatus.WAITING_APPROVAL, RunStatus.RUNNING)
        await self._append("run.resumed", {}, ctx)
        return None

    async def _end(
        self, status: RunStatus, output: dict[str, Any] | None, error: str | None, entries: Sequence[Entry], ctx: Ctx
    ) -> Json:
        await self.write(ctx, entries)
        closed = await Runs(ctx).close(self.run_id, status, output, error)
        if closed is not None:
            await self._append(f"run.{status.value}", {"output": output} if error is None else {"error": error}, ctx)
            await tell_of_end(ctx, self.run_id, status, closed.parent_run_id, closed.trigger)
            if status in _TROUBLE and closed.parent_run_id is None and closed.trigger is not Trigger.CHAT:
                await _tell_people(ctx, await Runs(ctx).get(self.run_id), error)
        return None


async def _tell_people(ctx: Ctx, run: Run, error: str | None) -> None:
    """A run that failed is news, but a hundred in an hour of the same agent or workflow are not a hundred news."""
    what = run.workflow_id or run.agent_id
    news = NewNotification(
        kind=NotificationKind.RUN_FAILED,
        title=f"A run of '{run.name}' failed",
        body=f"{error or 'No reason is known.'}\nFurther failures within the hour are only in the list of runs.",
        level=NotificationLevel.ERROR,
        subject_kind="run",
        subject_id=str(run.id),
        source=f"failed:{what}:{ctx.now:%Y%m%d%H}",
    )
    await notify(ctx, news)


async def tell_of_end(
    ctx: Ctx, run_id: RunId, status: RunStatus, parent_run_id: RunId | None, trigger: Trigger
) -> None:
    """Tell whoever waits for a run that it has come to its end."""
    if parent_run_id is not None:
        await ctx.runtime.durable.signal(ctx, str(parent_run_id), child_topic(run_id), {"status": status.value})
    await ctx.emit(RunEnded(run_id=run_id, status=status))
    if trigger is Trigger.CHAT:
        await ctx.emit(AnswerEnded(run_id=run_id))


def _row(ctx: Ctx, position: int, record: StepRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _KEPT}
    return {"guid": StepId.new(), "position": position, "at": ctx.now, **values}


def _event_data(position: int, record: StepRecord) -> dict[str, Any]:
    data = record.model_dump(mode="json", exclude={"detail", "cost", "output"}, exclude_none=True)
    cost = None if record.cost is None else float(record.cost)
    return {"position": position, **data, "cost": cost, **record.detail}
