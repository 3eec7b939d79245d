"""News between servers that share a PostgreSQL database: LISTEN and NOTIFY on one connection, made again when lost."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from interlock.runtime.lazy import lazy

if TYPE_CHECKING:
    import asyncpg
else:
    asyncpg = lazy("asyncpg")  # only servers on PostgreSQL listen

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 1.0


class PostgresNews:
    """One channel.

    Args:
        url: of the database.
        channel: its name, a plain identifier.
        heard: called with the text of each piece of news, also of one's own.
        regained: called when the connection is back after it was lost: news may have been missed.
    """

    def __init__(self, url: str, channel: str, heard: Callable[[str], None], regained: Callable[[], None]) -> None:
        self._url = url
        self._channel = channel
        self._heard = heard
        self._regained = regained
        self._connection: asyncpg.Connection[Any] | None = None
        self._repair: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and listen."""
        self._connection = await asyncpg.connect(self._url)
        await self._connection.add_listener(self._channel, lambda *news: self._heard(str(news[3])))
        self._connection.add_termination_listener(lambda *_: self._lost())

    async def tell(self, text: str) -> None:
        """Send news; what cannot be sent while the connection is lost is dropped, and `regained` makes up for it."""
        if self._connection is None:
            return
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._connection.execute("SELECT pg_notify($1, $2)", self._channel, text)

    async def close(self) -> None:
        """Stop listening."""
        if self._repair is not None:
            self._repair.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._repair
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _lost(self) -> None:
        """The connection broke: listeners live by their heartbeats until there is another."""
        if self._connection is not None:
            self._connection = None
            name = f"listen to {self._channel}"
            self._repair = asyncio.get_running_loop().create_task(self._start_again(), name=name)

    async def _start_again(self) -> None:
        while self._connection is None:
            try:
                await self.start()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("news of other servers cannot be heard; it is tried again", exc_info=error)
                await asyncio.sleep(_RETRY_SECONDS)
        self._regained()
