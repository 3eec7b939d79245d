"""The engine for many servers: DBOS on PostgreSQL queues flows, gives each to one server, to another when that dies.

DBOS decides who runs a flow; the records of its steps are ours, because only a record that commits together with the
step's own writes makes them happen exactly once (docs/decisions/0007-durable-engine.md).
"""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import text

from interlock.runtime.context import Ctx, Runtime
from interlock.runtime.durable import journal, servers
from interlock.runtime.durable.engine import JournalEngine
from interlock.runtime.durable.flow import Slot

log = structlog.get_logger(__name__)

_NAME = "interlock"
_WORKFLOW = "interlock_flow"
_VERSION = "interlock-flows-1"
_CHANNEL = "interlock_flows"
_CANCEL, _SIGNAL = "cancel:", "signal:"
_FIRST_RETRY_SECONDS = 0.5
_LONGEST_RETRY_SECONDS = 60.0
_KEEP_ENDED = timedelta(minutes=10)
_SWEEP = 500

# DBOS's documented SQL function for enqueueing from PostgreSQL; inside our transaction it starts a flow with it.
_ENQUEUE = text(
    "SELECT dbos.enqueue_workflow(workflow_name => :workflow, queue_name => :queue,"
    " positional_args => ARRAY[to_json(CAST(:flow AS text))], workflow_id => CAST(:flow AS text),"
    " app_version => :version, application_name => :application)"
)
_ENQUEUE_ALWAYS = {"workflow": _WORKFLOW, "queue": _NAME, "version": _VERSION, "application": _NAME}
_NOTIFY = text("SELECT pg_notify(:channel, :news)")


class _OwnedElsewhere(Exception):  # noqa: N818 - control flow
    """Another server has this flow now."""


class DbosDurable(JournalEngine):
    """Durable functions for any number of servers that share a PostgreSQL database.

    Args:
        url: the PostgreSQL database, the same as the server's own; DBOS keeps its tables there in the schema `dbos`.
        active: as in the embedded engine, for this process.
        grace_seconds: as in the embedded engine.
        heartbeat_seconds: how often this server says that it lives, and looks for servers that do not.
        stale_seconds: the silence after which a server's flows go to others.
        polling_seconds: how often this server looks for flows to run.
    """

    def __init__(
        self,
        url: str,
        *,
        active: int = 100,
        grace_seconds: float = 10.0,
        heartbeat_seconds: float = 5.0,
        stale_seconds: float = 30.0,
        polling_seconds: float = 0.2,
    ) -> None:
        super().__init__(active=active, grace_seconds=grace_seconds)
        self.server = f"server-{uuid4().hex}"
        self._url = url
        self._heartbeat_seconds = heartbeat_seconds
        self._stale_seconds = stale_seconds
        self._polling_seconds = polling_seconds
        self._listener: asyncpg.Connection[Any] | None = None
        self._heart: asyncio.Task[None] | None = None
        self._served: dict[str, asyncio.Event] = {}
        self._term = 0

    async def start_up(self, runtime: Runtime) -> None:
        """See `Durable.start_up`."""
        self._runtime = runtime
        # Each start is an executor of its own; those of this server's former selves are dead, and succeeded at once.
        self.server = f"{runtime.server}-{uuid4().hex[:8]}"
        async with self._root().begin() as joining:
            await servers.bury(joining, runtime.server)
            await servers.join(joining, self.server)
        await self._listen()
        self._launch()
        await asyncio.to_thread(DBOS.register_queue, _NAME, polling_interval_sec=self._polling_seconds)
        await self._succeed_the_dead()
        self._heart = asyncio.create_task(self._beat(), name="durable heartbeat")

    async def shut_down(self) -> None:
        """See `Durable.shut_down`."""
        self._ask_to_stop()
        if self._heart is not None:
            self._heart.cancel()
            with suppress(asyncio.CancelledError):
                await self._heart
        await self._await_stop()
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        if self._listener is not None:
            await self._listener.close()
        async with self._root().begin() as leaving:
            await servers.leave(leaving, self.server)

    def _launch(self) -> None:
        """Start DBOS on this event loop: launched from the loop's own thread, it runs its coroutines there."""
        config: DBOSConfig = {
            "name": _NAME,
            "system_database_url": self._url,
            "application_version": _VERSION,
            "executor_id": self.server,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": logging.getLevelName(logging.WARNING),
            "enable_otlp": False,
            "sys_db_pool_size": 5,
            "max_executor_threads": 16,
        }
        DBOS(config=config)
        logging.getLogger("dbos").addFilter(_is_news)

        async def interlock_flow(flow_id: str) -> None:
            await self._serve(flow_id)

        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(interlock_flow)
        DBOS.launch()

    async def _announce_start(self, ctx: Ctx, flow_id: str) -> None:
        session = await ctx.session()
        await session.execute(_ENQUEUE, {**_ENQUEUE_ALWAYS, "flow": flow_id})

    async def _announce_news(self, ctx: Ctx, flow_id: str, *, is_cancel: bool) -> None:
        session = await ctx.session()
        await session.execute(_NOTIFY, {"channel": _CHANNEL, "news": (_CANCEL if is_cancel else _SIGNAL) + flow_id})

    async def _serve(self, flow_id: str) -> None:
        """What DBOS calls: run the flow to its end, through database trouble too.

        Raises:
            asyncio.CancelledError: it has not ended, and DBOS shall leave it pending for whoever comes next.
        """
        term = self._term
        while (earlier := self._served.get(flow_id)) is not None:
            await earlier.wait()
        left = self._served[flow_id] = asyncio.Event()
        try:
            delay = _FIRST_RETRY_SECONDS
            while not await self._pass(flow_id, is_first=delay == _FIRST_RETRY_SECONDS, term=term):
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_RETRY_SECONDS)
        except _OwnedElsewhere:
            raise asyncio.CancelledError(flow_id) from None
        finally:
            del self._served[flow_id]
            left.set()

    async def _pass(self, flow_id: str, *, is_first: bool, term: int) -> bool:
        await self._places.acquire()
        if self._is_over(term):
            self._places.release()
            raise _OwnedElsewhere
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._spawn(flow_id, Slot(self._places), is_reentered=not is_first, then=ended.set_result)
        has_ended = await ended
        if not has_ended and self._is_over(term):
            raise _OwnedElsewhere
        return has_ended

    def _is_over(self, term: int) -> bool:
        """Whether what was begun in this term belongs to others now."""
        return self._is_stopping or self._term != term

    async def _beat(self) -> None:
        """Say that this server lives, and take over from those that do not, until stopped."""
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            try:
                await self._say_alive()
                if self._listener is None or self._listener.is_closed():
                    await self._listen()
                await self._succeed_the_dead()
                await asyncio.to_thread(_forget_ended)
            except Exception:
                log.exception("heartbeat failed; it is tried again")

    async def _say_alive(self) -> None:
        async with self._root().begin() as beating:
            is_alive = await servers.beat(beating, self.server)
        if is_alive:
            return
        log.error("this server was thought dead; its flows run elsewhere now", server=self.server)
        self._term += 1
        for flow in list(self._live.values()):
            flow.stop()
        async with self._root().begin() as joining:
            await servers.join(joining, self.server)

    async def _succeed_the_dead(self) -> None:
        """Give the flows of dead servers back to the queue. Safe when several servers do it at the same time."""
        async with self._root().begin() as looking:
            dead = await servers.find_dead(looking, self._stale_seconds)
        for server in dead:
            flows = await asyncio.to_thread(DBOS._recover_pending_workflows, [server])  # noqa: SLF001 - no public way
            if flows:
                log.warning("flows of a dead server are taken over", server=server, flows=len(flows))
            async with self._root().begin() as forgetting:
                await servers.forget(forgetting, server)

    async def _listen(self) -> None:
        """Hear of signals and cancellations, and look for those that were missed before."""
        self._listener = await asyncpg.connect(self._url)
        await self._listener.add_listener(_CHANNEL, lambda *news: self._hear(str(news[3])))
        async with self._root().begin(write=False) as looking:
            cancelled = await journal.cancelled_flows(looking)
        for flow_id in cancelled:
            self._news(flow_id, is_cancel=True)
        self.nudge()

    def _hear(self, news: str) -> None:
        if news.startswith(_CANCEL):
            self._news(news.removeprefix(_CANCEL), is_cancel=True)
        else:
            self._news(news.removeprefix(_SIGNAL), is_cancel=False)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop DBOS's warning for every flow that waits when a server stops: that is how they are meant to be left."""
    return not record.getMessage().startswith("Asyncio task cancelled for workflow")


def _forget_ended() -> None:
    """Delete DBOS's rows of ended flows: our own row keeps a second start of the same id from being one."""
    before = (datetime.now(UTC) - _KEEP_ENDED).isoformat()
    ended = DBOS.list_workflows(
        name=_WORKFLOW, status="SUCCESS", completed_before=before, limit=_SWEEP, load_input=False, load_output=False
    )
    if ended:
        DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
