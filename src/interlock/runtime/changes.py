"""What has changed, told to whoever looks on: names of tables and streams, never their content.

A hint to read again, no record: it may come late, twice or for nothing, and after a lost connection everything counts
as changed. What must not be missed is a stream (runtime/events.py).
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Generator, Iterable
from uuid import uuid4

from interlock.kit.ids import TypedId
from interlock.runtime.postgres_news import PostgresNews

EVERYTHING = "*"
_CHANNEL = "interlock_changes"
_PAUSE = 0.3
"""Seconds in which changes are gathered before they are told."""
_LONGEST_NEWS = 7_000  # PostgreSQL takes 8,000 bytes


class Watcher:
    """Somebody who looks on.

    Args:
        topics: what they look at.
    """

    def __init__(self, topics: frozenset[str]) -> None:
        self._topics = topics
        self._changed: set[str] = set()
        self._woken = asyncio.Event()

    def hear(self, topics: Iterable[str]) -> None:
        """Note what changed, if it is looked at."""
        for topic in topics:
            if topic in self._topics or topic == EVERYTHING:
                self._changed.add(topic)
                self._woken.set()

    async def changes(self, heartbeat: float) -> AsyncIterator[frozenset[str]]:
        """The topics that changed since the last time; an empty set when nothing did for a while (in seconds)."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), heartbeat)
            changed, self._changed = frozenset(self._changed), set()
            self._woken.clear()
            yield changed
            if changed:
                await asyncio.sleep(_PAUSE)  # many changes in a row are told as one


class Changes:
    """Brings changes from units of work to watchers, on PostgreSQL also to those of other servers."""

    def __init__(self, postgres_url: str | None = None) -> None:
        self._watchers: dict[TypedId, set[Watcher]] = defaultdict(set)
        self._me = uuid4().hex
        self._news: PostgresNews | None = None
        if postgres_url is not None:
            self._news = PostgresNews(postgres_url, _CHANNEL, self._heard, self._everything_changed)
        self._outgoing: dict[str, set[str]] = defaultdict(set)
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_heard(self) -> bool:
        """Whether telling reaches anybody."""
        return bool(self._watchers) or self._news is not None

    async def start(self) -> None:
        """On PostgreSQL, hear what other servers change."""
        if self._news is not None:
            await self._news.start()

    async def close(self) -> None:
        """Stop hearing and telling."""
        if self._sending is not None:
            self._sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sending
        if self._news is not None:
            await self._news.close()

    def tell(self, workspace: TypedId, topics: Iterable[str]) -> None:
        """Say that something of a workspace changed; of nobody's (number 0) means of everybody's."""
        told = list(topics)
        self._tell_here(workspace, told)
        if self._news is not None and told:
            self._outgoing[workspace.hex].update(told)
            if self._sending is None or self._sending.done():
                self._sending = asyncio.get_running_loop().create_task(self._send(), name="tell changes")

    @contextlib.contextmanager
    def watched(self, workspace: TypedId, topics: frozenset[str]) -> Generator[Watcher]:
        """Look on for as long as the block runs."""
        watcher = Watcher(topics)
        self._watchers[workspace].add(watcher)
        try:
            yield watcher
        finally:
            self._watchers[workspace].discard(watcher)
            if not self._watchers[workspace]:
                del self._watchers[workspace]

    def _tell_here(self, workspace: TypedId, topics: Iterable[str]) -> None:
        if workspace.int:
            for watcher in self._watchers.get(workspace, ()):
                watcher.hear(topics)
            return
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.hear(topics)

    def _everything_changed(self) -> None:
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.hear((EVERYTHING,))

    async def _send(self) -> None:
        """Tell the other servers, a few times a second at most: notifying makes commits wait for each other."""
        while self._outgoing and self._news is not None:
            await asyncio.sleep(_PAUSE)
            outgoing, self._outgoing = self._outgoing, defaultdict(set)
            for workspace, topics in outgoing.items():
                text = f"{self._me} {workspace} {','.join(sorted(topics))}"
                await self._news.tell(text if len(text) < _LONGEST_NEWS else f"{self._me} {workspace} {EVERYTHING}")

    def _heard(self, news: str) -> None:
        sender, workspace, topics = news.split(" ", 2)
        if sender != self._me:
            self._tell_here(TypedId(hex=workspace), topics.split(","))
