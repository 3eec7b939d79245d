"""What both engines share: the registry, the three verbs that travel with a unit of work, and running one flow."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass

import structlog

from interlock.kit.errors import InterlockError
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, Runtime, WorkspaceId
from interlock.runtime.database import is_database_trouble
from interlock.runtime.durable import DurableFunction, FlowCancelled, Json, journal
from interlock.runtime.durable.flow import JournalFlow, Slot
from interlock.runtime.durable.journal import DurableUseError, FlowState

log = structlog.get_logger(__name__)

_FAILURE = ".on_failure"
_ACTIVE = 100
_GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Ending:
    state: FlowState
    result: str | None = None
    error: str | None = None


class JournalEngine(ABC):
    """An engine that keeps its flows in our own journal; subclasses decide who runs a flow, and when.

    Args:
        active: how many flows may work at the same time in this process; those that wait do not count.
        grace_seconds: how long a running step may take to end when the server stops.
    """

    def __init__(self, *, active: int = _ACTIVE, grace_seconds: float = _GRACE_SECONDS) -> None:
        self._functions: dict[str, DurableFunction] = {}
        self._places = asyncio.Semaphore(active)
        self._grace_seconds = grace_seconds
        self._runtime: Runtime | None = None
        self._live: dict[str, JournalFlow] = {}
        self._entering: dict[str, bool] = {}
        self._unknown: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def register(self, name: str, function: DurableFunction, *, on_failure: DurableFunction | None = None) -> None:
        """See `Durable.register`."""
        if name in self._functions:
            raise ValueError(f"durable function {name} is registered twice")
        if name.endswith(_FAILURE):
            raise ValueError(f"durable function {name}: names ending in '{_FAILURE}' are taken")
        self._functions[journal.checked_name(name, what="a durable function's name")] = function
        if on_failure is not None:
            self._functions[journal.checked_name(name + _FAILURE, what="a durable function's name")] = on_failure

    async def start(self, ctx: Ctx, name: str, flow_id: str, argument: Json) -> None:
        """See `Durable.start`."""
        if name not in self._functions:
            raise DurableUseError(f"no durable function is registered as '{name}'")
        text = journal.encode(argument, what=f"flow {flow_id}: the argument")
        if await journal.add_flow(ctx, name, flow_id, text):
            await self._announce_start(ctx, flow_id)

    async def signal(self, ctx: Ctx, flow_id: str, topic: str, payload: Json) -> None:
        """See `Durable.signal`."""
        text = journal.encode(payload, what=f"flow {flow_id}: the payload of signal '{topic}'")
        if await journal.add_signal(ctx, flow_id, topic, text):
            await self._announce_news(ctx, flow_id, is_cancel=False)
        else:
            log.info("signal to an ended flow dropped", flow=flow_id, topic=topic)

    async def cancel(self, ctx: Ctx, flow_id: str) -> None:
        """See `Durable.cancel`."""
        if await journal.request_cancel(ctx, flow_id):
            await self._announce_news(ctx, flow_id, is_cancel=True)

    @abstractmethod
    async def start_up(self, runtime: Runtime) -> None:
        """See `Durable.start_up`."""

    @abstractmethod
    async def shut_down(self) -> None:
        """See `Durable.shut_down`."""

    @abstractmethod
    async def _announce_start(self, ctx: Ctx, flow_id: str) -> None:
        """Have the flow run once this unit of work is durable."""

    @abstractmethod
    async def _announce_news(self, ctx: Ctx, flow_id: str, *, is_cancel: bool) -> None:
        """Have the flow look at its signals, or be cancelled, once this unit of work is durable."""

    def nudge(self) -> None:
        """Have every waiting flow look at the clock again: for a clock that was moved by hand."""
        for flow in list(self._live.values()):
            flow.poke()

    def _root(self, workspace_id: WorkspaceId = NO_WORKSPACE, request_id: str = "durable") -> Ctx:
        if self._runtime is None:
            raise RuntimeError("the durable engine has not been started: call start_up")
        return Ctx(self._runtime, SYSTEM, workspace_id, ALL_SCOPES, request_id=request_id, face="durable")

    def _news(self, flow_id: str, *, is_cancel: bool) -> None:
        """Tell a flow of this process that something changed."""
        flow = self._live.get(flow_id)
        if flow is None:
            if is_cancel and flow_id in self._entering:
                self._entering[flow_id] = True
        elif is_cancel:
            flow.cancel()
        else:
            flow.poke()

    def _spawn(self, flow_id: str, slot: Slot, *, is_reentered: bool, then: Callable[[bool], None]) -> None:
        """Run a flow in a task of its own, in a clean context, so that it inherits nobody's unit of work."""

        async def run() -> None:
            has_ended = False
            try:
                has_ended = await self._enter(flow_id, slot, is_reentered=is_reentered)
            except asyncio.CancelledError:
                pass  # by _await_stop, which says so for all at once
            except Exception:
                log.exception("flow could not be run; it will be tried again", flow=flow_id)
            finally:
                slot.close()
                then(has_ended)

        task = asyncio.get_running_loop().create_task(run(), name=f"flow {flow_id}", context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _enter(self, flow_id: str, slot: Slot, *, is_reentered: bool) -> bool:
        """Run a flow until it ends (true) or is suspended (false)."""
        self._entering[flow_id] = False
        try:
            async with self._root().begin(write=False) as looking:
                entry = await journal.load(looking, flow_id)
        finally:
            is_cancelled = self._entering.pop(flow_id)
        if entry is None or entry.state is not FlowState.RUNNING:
            return True
        function = self._functions.get(entry.function)
        if function is None:
            self._complain_of(entry.function)
            return False
        is_reentered = is_reentered or bool(entry.records)
        flow = JournalFlow(self._root(entry.workspace_id, flow_id), entry, slot, is_reentered=is_reentered)
        self._live[flow_id] = flow
        try:
            if is_cancelled:
                flow.cancel()
            if self._is_stopping:
                flow.stop()
            ending = await self._call(function, flow, entry.argument)
            if ending is None:
                return False
            await self._conclude(flow.ctx, entry, ending)
            return True
        finally:
            del self._live[flow_id]

    def _complain_of(self, function: str) -> None:
        """A flow of another version waits for a server that knows its function; say so once."""
        if function not in self._unknown:
            self._unknown.add(function)
            log.error("flows left alone: their durable function is not registered here", function=function)

    async def _call(self, function: DurableFunction, flow: JournalFlow, argument: str) -> _Ending | None:
        """How the function ended; None when it was suspended, whatever it made of that."""
        ending: _Ending
        try:
            result = await function(flow, journal.decode(argument))
            ending = _Ending(FlowState.DONE, result=journal.encode(result, what=f"flow {flow.id}: the result"))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if flow.is_suspended:
                return None
            if not isinstance(error, Exception):
                raise
            if is_database_trouble(error):
                log.warning("flow suspended: the database is in trouble", flow=flow.id, exc_info=error)
                return None
            ending = _ending_of(flow.id, error)
        return None if flow.is_suspended else ending

    async def _conclude(self, ctx: Ctx, entry: journal.Entry, ending: _Ending) -> None:
        """Write the ending, and start the failure flow in the same unit of work."""
        async with ctx.begin() as inner:
            has_ended = await journal.finish(
                inner, entry.flow_id, ending.state, result=ending.result, error=ending.error
            )
            hook = entry.function + _FAILURE
            if has_ended and ending.state is FlowState.FAILED and hook in self._functions:
                news = {"id": entry.flow_id, "input": journal.decode(entry.argument), "error": ending.error}
                await self.start(inner, hook, entry.flow_id + _FAILURE, news)

    def _ask_to_stop(self) -> None:
        """Have every flow suspended at its next boundary, and those that enter later at their first."""
        self._is_stopping = True
        for flow in list(self._live.values()):
            flow.stop()

    async def _await_stop(self) -> None:
        """Wait for the flows to come to a boundary; break off what has not when the grace is over."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._grace_seconds)
        rest = list(self._tasks)
        for task in rest:
            task.cancel()
        if rest:
            log.warning("steps broken off at shut-down; they will be tried again", flows=len(rest))
            await asyncio.wait(rest)


def _ending_of(flow_id: str, error: Exception) -> _Ending:
    if _is_only_cancel(error):
        return _Ending(FlowState.CANCELLED)
    log.error("flow failed", flow=flow_id, exc_info=error)
    if isinstance(error, InterlockError):
        return _Ending(FlowState.FAILED, error=error.message)
    return _Ending(FlowState.FAILED, error=f"{type(error).__name__}: {error}")


def _is_only_cancel(error: Exception) -> bool:
    """FlowCancelled, also as a task group wraps it."""
    if isinstance(error, ExceptionGroup):
        return error.split(FlowCancelled)[1] is None
    return isinstance(error, FlowCancelled)
