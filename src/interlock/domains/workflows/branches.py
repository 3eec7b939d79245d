"""A durable flow that several branches of one run use at the same time, and that can call them off."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.runtime.context import Ctx
from interlock.runtime.durable import Flow, Json, Step

MOST_AT_ONCE = 8
"""How many branches of a run may reach outside at the same time; those that wait for people or the clock are many."""


class Branches:
    """The `Flow` of a run with branches: when one of them ends the run, the others stop before their next step.

    A step that is under way is finished and recorded: what has begun outside is better known than not.
    Transactions come one after the other: each may give out the run's next position or read what another has written.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._busy: set[asyncio.Task[Any] | None] = set()
        self._called_off: set[asyncio.Task[Any] | None] = set()
        self._writing = asyncio.Lock()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def id(self) -> str:
        """See `Flow.id`."""
        return self._flow.id

    @property
    def ctx(self) -> Ctx:
        """See `Flow.ctx`."""
        return self._flow.ctx

    async def transact(self, key: str, step: Step) -> Json:
        """See `Flow.transact`."""
        self._require_wanted()
        async with self._writing:
            return await self._flow.transact(key, step)

    async def step(self, key: str, step: Step) -> Json:
        """See `Flow.step`."""
        self._require_wanted()
        async with self._places:
            self._require_wanted()
            task = asyncio.current_task()
            self._busy.add(task)
            try:
                return await self._flow.step(key, step)
            finally:
                self._busy.discard(task)

    async def wait(self, topic: str, *, until: datetime | None = None) -> Json | None:
        """See `Flow.wait`."""
        self._require_wanted()
        return await self._flow.wait(topic, until=until)

    async def sleep_until(self, key: str, moment: datetime) -> None:
        """See `Flow.sleep_until`."""
        self._require_wanted()
        await self._flow.sleep_until(key, moment)

    async def call_off(self, tasks: Mapping["asyncio.Task[Any]", object]) -> None:
        """Stop these branches: those that wait at once, the others when their step is done."""
        self._called_off.update(tasks)
        for task in tasks:
            if task not in self._busy:
                task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        self._called_off.difference_update(tasks)

    def _require_wanted(self) -> None:
        if asyncio.current_task() in self._called_off:
            raise asyncio.CancelledError
