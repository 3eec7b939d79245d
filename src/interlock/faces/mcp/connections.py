"""Who is connected: sessions, requests at work, and open streams, which close at once when their bearer dies."""

import asyncio
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from interlock.domains.accounts.events import ClientTokenChanged
from interlock.faces.mcp.protocol import ASSUMED, Id
from interlock.kit.ids import TypedId
from interlock.runtime.context import Ctx, Runtime

ResultT = TypeVar("ResultT")

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_MOST_SESSIONS = 10_000


@dataclass(slots=True)
class Work:
    """A request at work."""

    cancelled: bool = False


@dataclass(slots=True)
class Connection:
    """What is remembered between two messages of one client.

    Args:
        lasting: whether there is a next message; a bare POST has none.
        level: announcements below it are not sent.
    """

    client_id: TypedId | None = None
    lasting: bool = False
    version: str = ASSUMED
    level: str = "info"
    ended: bool = False
    _work: dict[Id, Work] = field(default_factory=dict)

    @contextmanager
    def working_on(self, id: Id) -> Iterator[Work]:
        """Let a request be cancelled while it is at work."""
        work = self._work[id] = Work()
        try:
            yield work
        finally:
            if self._work.get(id) is work:
                del self._work[id]

    def cancel(self, id: Any) -> None:
        """Drop the reply of a request at work; one that has ended, or never was, is no mistake."""
        if isinstance(id, int | str) and id in self._work:
            self._work[id].cancelled = True

    def hears(self, level: str) -> bool:
        """Whether announcements of a level are wanted."""
        return LEVELS.index(level) >= LEVELS.index(self.level)


class Connections:
    """The sessions and open streams of this process."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Connection] = OrderedDict()
        self._streams: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._work: set[asyncio.Task[Any]] = set()

    def begin(self, client_id: TypedId | None) -> tuple[str, Connection]:
        """A fresh session; the oldest makes room where there are too many."""
        key, connection = f"mcp_{secrets.token_urlsafe(24)}", Connection(client_id, lasting=True)
        self._sessions[key] = connection
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return key, connection

    def find(self, key: str, client_id: TypedId | None) -> Connection | None:
        """The session of a client; None when this process does not know it, or it is somebody else's."""
        connection = self._sessions.get(key)
        if connection is None or connection.client_id != client_id:
            return None
        self._sessions.move_to_end(key)
        return connection

    @contextmanager
    def stream(self, client_id: TypedId | None) -> Iterator[asyncio.Event]:
        """Register an open stream; the event is set when it must close."""
        closing, key = asyncio.Event(), 0 if client_id is None else client_id.int
        self._streams[key].add(closing)
        try:
            yield closing
        finally:
            self._streams[key].discard(closing)
            if not self._streams[key]:
                del self._streams[key]

    def keep(self, work: Coroutine[Any, Any, ResultT]) -> "asyncio.Task[ResultT]":
        """Begin work that ends even when the one who asked has gone."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    def close(self, client_id: TypedId) -> None:
        """Close every stream of a client and forget its sessions."""
        for closing in self._streams.get(client_id.int, ()):
            closing.set()
        for key in [key for key, known in self._sessions.items() if known.client_id == client_id]:
            del self._sessions[key]

    def close_all(self) -> None:
        """Close every stream; part of a stop."""
        for streams in self._streams.values():
            for closing in streams:
                closing.set()


def connections_of(runtime: Runtime) -> Connections:
    """The registry of this process."""
    return runtime.local(Connections)


async def on_client_token_changed(ctx: Ctx, event: ClientTokenChanged) -> None:
    """A bearer died by rotation or revocation: its open streams close now."""
    connections_of(ctx.runtime).close(event.client_id)
