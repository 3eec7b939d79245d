"""The embedded engine: one process, our own database, one asyncio task per flow that is under way."""

import asyncio
from contextlib import suppress
from functools import partial

import structlog

from interlock.runtime.context import Ctx, Runtime
from interlock.runtime.durable import journal
from interlock.runtime.durable.engine import JournalEngine
from interlock.runtime.durable.flow import Slot

log = structlog.get_logger(__name__)

_FIRST_RETRY_SECONDS = 0.5
_LONGEST_RETRY_SECONDS = 60.0


class EmbeddedDurable(JournalEngine):
    """Durable functions for one server that owns its database.

    A flow is re-entered at start and after database trouble; a waiting flow is one sleeping task (some kilobytes).
    """

    def __init__(self, *, active: int = 100, grace_seconds: float = 10.0) -> None:
        super().__init__(active=active, grace_seconds=grace_seconds)
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._known: set[str] = set()
        self._before: set[str] = set()
        self._retries: dict[str, int] = {}
        self._pump: asyncio.Task[None] | None = None

    async def start_up(self, runtime: Runtime) -> None:
        """See `Durable.start_up`."""
        self._runtime = runtime
        async with self._root().begin(write=False) as looking:
            unfinished = await journal.running_flows(looking)
        for flow_id in unfinished:
            if flow_id not in self._known:
                self._before.add(flow_id)
                self._submit(flow_id)
        if unfinished:
            log.info("unfinished flows enter again", flows=len(unfinished))
        self._pump = asyncio.create_task(self._run(), name="durable engine")

    async def shut_down(self) -> None:
        """See `Durable.shut_down`."""
        self._ask_to_stop()
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        await self._await_stop()

    async def _announce_start(self, ctx: Ctx, flow_id: str) -> None:
        ctx.the_unit().after_commit(partial(self._submit, flow_id))

    async def _announce_news(self, ctx: Ctx, flow_id: str, *, is_cancel: bool) -> None:
        ctx.the_unit().after_commit(partial(self._news, flow_id, is_cancel=is_cancel))

    def _submit(self, flow_id: str) -> None:
        if flow_id not in self._known:
            self._known.add(flow_id)
            self._ready.put_nowait(flow_id)

    async def _run(self) -> None:
        """Let flows in, one place at a time; those that woke up stand in the same line."""
        while True:
            flow_id = await self._ready.get()
            await self._places.acquire()
            is_reentered = flow_id in self._before
            self._before.discard(flow_id)
            self._spawn(flow_id, Slot(self._places), is_reentered=is_reentered, then=partial(self._ended, flow_id))

    def _ended(self, flow_id: str, has_ended: bool) -> None:
        if has_ended:
            self._known.discard(flow_id)
            self._retries.pop(flow_id, None)
            return
        if self._is_stopping:
            return
        retries = self._retries.get(flow_id, 0)
        self._retries[flow_id] = retries + 1
        self._before.add(flow_id)
        delay = min(_FIRST_RETRY_SECONDS * 2**retries, _LONGEST_RETRY_SECONDS)
        asyncio.get_running_loop().call_later(delay, self._ready.put_nowait, flow_id)
