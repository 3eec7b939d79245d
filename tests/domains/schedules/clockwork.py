"""Time and work by hand: a server whose jobs are done only when a test says so, at the time a test says it is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from interlock.domains.agents import service as agents
from interlock.domains.agents.views import Agent
from interlock.domains.runs.models import runs
from interlock.domains.runs.states import RunStatus
from interlock.domains.schedules import service as schedules
from interlock.domains.schedules.events import ScheduleFailed, ScheduleFailing, ScheduleFired
from interlock.domains.schedules.firing import FIRE
from interlock.domains.schedules.states import FiringStatus
from interlock.domains.schedules.views import Firing, Schedule, ScheduleId
from interlock.kit.clock import FixedClock
from interlock.kit.paging import Page
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx
from interlock.runtime.events import Event
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import job_rows
from tests.support.app import Server

START = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Clockwork:
    """What the tests of this folder do with a server."""

    server: Server
    time: FixedClock
    news: list[Event] = field(default_factory=list)

    @classmethod
    async def over(cls, server: Server, patch: pytest.MonkeyPatch) -> "Clockwork":
        """Take a server's clock, worker and durable engine over."""
        runtime = server.runtime
        made = cls(server, FixedClock(START))
        await runtime.jobs.stop()
        runtime.clock = made.time

        async def rest(*_: Any) -> None:
            """A run that is started stays as it is."""

        patch.setattr(runtime.durable, "start", rest)
        for event in (ScheduleFired, ScheduleFailed, ScheduleFailing):
            runtime.jobs.subscribe(event, f"test.{event.name}", made._hear)
        return made

    async def _hear(self, _ctx: Ctx, event: Event) -> None:
        self.news.append(event)

    def told(self, kind: type[Event]) -> list[Any]:
        """The events of a kind, in order."""
        return [event for event in self.news if isinstance(event, kind)]

    def at(self, moment: datetime | str) -> None:
        """Set the clock."""
        wanted = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        self.time.advance(wanted - self.time.now())

    async def call(self, function: Any, **values: Any) -> Any:
        """Call an operation as the first key."""
        command = next(kind for name, kind in function.__annotations__.items() if name == "command")
        return await invoke(await self.server.ctx(), function, command.model_validate(values))

    async def agent(self, **values: Any) -> Agent:
        """An agent to start."""
        made: Agent = await self.call(agents.create, **{"name": "clerk", "model": "scripted:nothing", **values})
        return made

    async def schedule(self, **values: Any) -> Schedule:
        """A schedule, of a fresh agent unless one is named."""
        if "agent_id" not in values:
            values["agent_id"] = (await self.agent()).id
        timing = {} if {"text", "spec"} & values.keys() else {"text": "every hour"}
        made: Schedule = await self.call(
            schedules.create, **{"name": "round", "input_data": {"task": "Look around."}, **timing, **values}
        )
        return made

    async def seen(self, schedule: Schedule) -> Schedule:
        """The schedule as it stands."""
        found: Schedule = await self.call(schedules.get, schedule_id=schedule.id)
        return found

    async def firings(self, schedule: Schedule) -> list[Firing]:
        """What became of its due moments, oldest first."""
        page: Page[Firing] = await self.call(schedules.firings, schedule_id=schedule.id)
        return list(reversed(page.items))

    async def outcomes(self, schedule: Schedule) -> list[tuple[str, FiringStatus]]:
        """The same in short: the due time and how it ended."""
        return [(f"{firing.due_at:%H:%M}", firing.status) for firing in await self.firings(schedule)]

    async def work(self) -> None:
        """Do every job that is due now, and what follows from it."""
        jobs = self.server.runtime.jobs
        root = Ctx(self.server.runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="jobs", face="jobs")
        while rows := await jobs._claim(root):
            for row in rows:
                ctx = Ctx(root.runtime, SYSTEM, row.workspace_id, ALL_SCOPES, request_id=str(row.guid), face="jobs")
                await jobs._attempt(ctx, row)

    async def pass_time(self, by: timedelta) -> None:
        """Move the clock and work, due moment by due moment."""
        end = self.time.now() + by
        while (following := await self.next_job()) is not None and following <= end:
            self.at(max(following, self.time.now()))
            await self.work()
        self.at(end)
        await self.work()

    async def next_job(self) -> datetime | None:
        """When the next firing waits to be served."""
        due = select(func.min(job_rows.c.run_at)).where(job_rows.c.handler == FIRE)
        async with (await self.server.ctx()).begin(write=False) as ctx:
            found: datetime | None = (await (await ctx.session()).execute(due)).scalar()
        return found

    async def waiting_jobs(self) -> int:
        """How many firings wait to be served."""
        counting = select(func.count()).where(job_rows.c.handler == FIRE)
        async with (await self.server.ctx()).begin(write=False) as ctx:
            number: int = (await (await ctx.session()).execute(counting)).scalar_one()
        return number

    async def runs_of(self, key: ScheduleId) -> list[Any]:
        """The rows of the runs a schedule started."""
        mine = select(runs).where(runs.c.trigger_ref == str(key)).order_by(runs.c.id)
        async with (await self.server.ctx()).begin(write=False) as ctx:
            return list((await (await ctx.session()).execute(mine)).all())

    async def end_runs(self) -> None:
        """Have every run completed."""
        async with (await self.server.ctx()).begin() as ctx:
            ending = update(runs).values(status=RunStatus.COMPLETED, completed_at=ctx.now)
            await (await ctx.session()).execute(ending)
