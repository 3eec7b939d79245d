"""What has changed, told to whoever looks on: names of tables and streams, never their content.

A hint to read again, no record: it may come late, twice or for nothing, and after a lost connection everything counts
as changed. What must not be missed is a stream (runtime/events.py).
"""

import asyncio
import contextlib
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Generator, Iterable
from uuid import uuid4

from interlock.kit.ids import TypedId
from interlock.runtime.postgres_news import PostgresNews

EVERYTHING = "*"
_CHANNEL = "interlock_changes"
_PAUSE = 0.3
"""Seconds in which changes are gathered before they are told."""
_LONGEST_NEWS = 7_000  # PostgreSQL takes 8,000 bytes
_MOST_REMEMBERED = 10_000


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
        # When what was changed last; what was changed longest ago makes room, and `_forgotten` is when that was.
        self._last: OrderedDict[tuple[TypedId, str], float] = OrderedDict()
        self._forgotten = time.monotonic()
        self._news: PostgresNews | None = None
        if postgres_url is not None:
            self._news = PostgresNews(postgres_url, _CHANNEL, self._heard, self._everything_changed)
        self._outgoing: dict[str, set[str]] = defaultdict(set)
        self._sending: asyncio.Task[None] | None = None

    def mark(self) -> str:
        """This moment, for somebody who reads now and looks on later, maybe at another server."""
        return f"{self._me}:{time.monotonic()!r}"

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
    def watched(self, workspace: TypedId, topics: frozenset[str], since: str = "") -> Generator[Watcher]:
        """Look on for as long as the block runs.

        Args:
            since: a mark; what has changed after it is heard at once.
        """
        watcher = Watcher(topics)
        if since:
            watcher.hear(self._changed_since(workspace, topics, since))
        self._watchers[workspace].add(watcher)
        try:
            yield watcher
        finally:
            self._watchers[workspace].discard(watcher)
            if not self._watchers[workspace]:
                del self._watchers[workspace]

    def _changed_since(self, workspace: TypedId, topics: frozenset[str], mark: str) -> Iterable[str]:
        server, _, moment = mark.partition(":")
        try:
            at = float(moment)
        except ValueError:
            return (EVERYTHING,)
        if server != self._me or at < self._forgotten:
            return (EVERYTHING,)
        everybody = TypedId(int=0)
        asked = [(whose, topic) for whose in (workspace, everybody) for topic in (*topics, EVERYTHING)]
        return [topic for whose, topic in asked if self._last.get((whose, topic), 0.0) >= at]

    def _remember(self, workspace: TypedId, topics: Iterable[str]) -> None:
        now = time.monotonic()
        for topic in topics:
            self._last[workspace, topic] = now
            self._last.move_to_end((workspace, topic))
        while len(self._last) > _MOST_REMEMBERED:
            self._forgotten = self._last.popitem(last=False)[1]

    def _tell_here(self, workspace: TypedId, topics: Iterable[str]) -> None:
        self._remember(workspace, topics)
        if workspace.int:
            for watcher in self._watchers.get(workspace, ()):
                watcher.hear(topics)
            return
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.hear(topics)

    def _everything_changed(self) -> None:
        self._forgotten = time.monotonic()
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
