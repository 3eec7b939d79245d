"""The courier of one server: makes the attempts that are due, several at a time but few to one subscription.

Not a handler of the job queue, whose places are few: receivers that take ten seconds to fail would hold up everything.
"""

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Row

from interlock.domains.webhooks import repository
from interlock.domains.webhooks.repository import Due
from interlock.domains.webhooks.sending import SECONDS, attempt
from interlock.domains.webhooks.views import SubscriptionId
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, Runtime

log = structlog.get_logger(__name__)

AT_A_TIME = 128
PER_SUBSCRIPTION = 4
_BATCH = 64
_LEASE = timedelta(minutes=1)
_IDLE_SECONDS = 5.0
_TROUBLE_SECONDS = 1.0


class Courier:
    """Claims due deliveries and has an attempt made of each."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._load: Counter[SubscriptionId] = Counter()
        self._stopping = False

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def run(self, runtime: Runtime) -> None:
        """Work until stopped."""
        root = Ctx(runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="webhooks", face="jobs")
        while not self._stopping:
            self._wake.clear()
            try:
                await self._claim(root)
                idle = await self._idle_for(root) if len(self._running) < AT_A_TIME else _IDLE_SECONDS
            except Exception as error:
                log.warning("the courier cannot use the database; it tries again", exc_info=error)
                idle = _TROUBLE_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), idle)

    async def stop(self) -> None:
        """Take no more, and wait for what is under way."""
        self._stopping = True
        self._wake.set()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=SECONDS)

    def _busy(self) -> list[SubscriptionId]:
        return [key for key, number in self._load.items() if number >= PER_SUBSCRIPTION]

    async def _claim(self, root: Ctx) -> None:
        """Take what is due and start it; looked at first without a writing transaction."""
        while len(self._running) < AT_A_TIME and await self._idle_for(root) <= 0 and not self._stopping:
            async with root.begin() as unit:
                rows = await repository.due(unit, min(_BATCH, AT_A_TIME - len(self._running)), self._busy())
                taken = self._choose(rows)
                again = [row for row in rows if row.id in self._running]
                await repository.lease(unit, [*taken, *again], root.now + _LEASE)
            if not rows:  # another server is taking them
                return
            for row in taken:
                self._start(root, repository.as_due(row), row.id)

    def _choose(self, rows: list[Row[Any]]) -> list[Row[Any]]:
        load = self._load.copy()
        taken = []
        for row in rows:
            if load[row.subscription_id] < PER_SUBSCRIPTION and row.id not in self._running:
                load[row.subscription_id] += 1
                taken.append(row)
        return taken

    def _start(self, root: Ctx, due: Due, number: int) -> None:
        ctx = replace(root, workspace_id=due.workspace_id, request_id=str(due.id))
        self._load[due.subscription_id] += 1
        task = asyncio.create_task(self._attempt(ctx, due))
        self._running[number] = task
        task.add_done_callback(partial(self._ended, number, due.subscription_id))

    async def _attempt(self, ctx: Ctx, due: Due) -> None:
        try:
            await attempt(ctx, due)
        except Exception as error:
            log.warning("how a delivery ended could not be written; it is made again", id=str(due.id), exc_info=error)

    def _ended(self, number: int, subscription: SubscriptionId, _task: asyncio.Task[None]) -> None:
        del self._running[number]
        self._load[subscription] -= 1
        if self._load[subscription] == 0:
            del self._load[subscription]
        self._wake.set()

    async def _idle_for(self, root: Ctx) -> float:
        """Seconds until the next delivery is due that there is room for, zero when one is."""
        async with root.begin(write=False) as looking:
            due = await repository.next_due(looking, self._busy())
        if due is None:
            return _IDLE_SECONDS
        return min(max((due - root.now).total_seconds(), 0.0), _IDLE_SECONDS)


def courier_of(runtime: Runtime) -> Courier:
    """This server's courier."""
    return runtime.local(Courier)


def fetch_soon(ctx: Ctx) -> None:
    """Have the courier look once this unit of work is durable."""
    ctx.the_unit().after_commit(courier_of(ctx.runtime).wake)
