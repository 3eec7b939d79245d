"""Durable functions: plain async code that survives `kill -9` by replaying; finished steps return what was recorded.

Two implementations stand behind this interface, `embedded` (a journal in our own SQLite) and `dbos` (PostgreSQL).
Domains import only this file; main.py chooses.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from interlock.runtime.context import Ctx, Runtime

Json: TypeAlias = Any
Step = Callable[[Ctx], Awaitable[Json]]


class Flow(Protocol):
    """What a durable function works with. Everything it does to the world is a step; pure computation is not."""

    @property
    def id(self) -> str:
        """The id the function was started with."""
        ...

    @property
    def ctx(self) -> Ctx:
        """A context without a unit of work, acting as the system in the run's workspace."""
        ...

    async def transact(self, key: str, step: Step) -> Json:
        """Run a step that only touches our database: its writes and its record commit together, so exactly once.

        Args:
            key: unique within the flow and the same on every replay.
            step: gets a context with an open unit of work; returns a JSON value, which comes back as a fresh copy.

        Raises:
            InterlockError: the step raised one; nothing was written, and a replay raises it again. Other exceptions are
                not recorded, so let them end the flow.
        """
        ...

    async def step(self, key: str, step: Step) -> Json:
        """Run a step that reaches outside: recorded when it is done; in flight at a crash, it is tried again.

        The step gets a context without a unit of work, and makes its own idempotency key from the flow's id and `key`.
        Results and errors as in `transact`.
        """
        ...

    async def wait(self, topic: str, *, until: datetime | None = None) -> Json | None:
        """Sleep until a signal on the topic arrives (each signal wakes one wait) or the deadline passes; then None.

        Over a restart the deadline stays what it was when the wait began.
        """
        ...

    async def sleep_until(self, key: str, moment: datetime) -> None:
        """Sleep, over restarts too."""
        ...


DurableFunction = Callable[[Flow, Json], Awaitable[Json]]


class FlowCancelled(Exception):  # noqa: N818 - control flow, like asyncio.CancelledError
    """Raised inside a flow at its next step after `cancel`, once: steps made while handling it run as usual."""


class Durable(Protocol):
    """Starts, wakes and cancels durable functions."""

    def register(self, name: str, function: DurableFunction, *, on_failure: DurableFunction | None = None) -> None:
        """Name a function, before `start_up`.

        Args:
            on_failure: runs as a flow of its own with `{"id", "input", "error"}` (the error as text) when the function
                raised anything but FlowCancelled, so that its domain can record the failure.
        """
        ...

    async def start_up(self, runtime: Runtime) -> None:
        """Begin to work; every unfinished flow enters again."""
        ...

    async def shut_down(self) -> None:
        """Stop at the next step boundary; unfinished flows go on at the next start."""
        ...

    async def start(self, ctx: Ctx, name: str, flow_id: str, argument: Json) -> None:
        """Start a flow when this unit of work commits. Starting the same id twice is one start."""
        ...

    async def signal(self, ctx: Ctx, flow_id: str, topic: str, payload: Json) -> None:
        """Wake a flow that waits, or will wait, for the topic; travels with this unit of work.

        The flow may start later; after its end a signal is dropped.
        """
        ...

    async def cancel(self, ctx: Ctx, flow_id: str) -> None:
        """Have FlowCancelled raised in the flow at its next step or wait; travels with this unit of work."""
        ...
