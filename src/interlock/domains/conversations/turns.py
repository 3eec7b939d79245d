"""One turn at a time: whoever answers in a conversation holds its turn, so that two answers never interleave.

In this process the waiting stand in line in the order they came. Between servers the turn is a mark in the row that
its holder renews; a server that dies leaves a mark that is believed for `LEASE` and no longer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from interlock.domains.conversations.errors import turn_in_progress, turn_lost
from interlock.domains.conversations.repository import Conversations
from interlock.domains.conversations.views import ConversationId
from interlock.kit.errors import InterlockError
from interlock.kit.ids import TypedId
from interlock.runtime.context import Ctx

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
_RENEW_SECONDS = 10.0
_ASK_SECONDS = 0.2


@dataclass
class _Place:
    """A line of those who wait for one conversation in this process."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class _Lines:
    """All lines of this process; a line nobody stands in is forgotten."""

    def __init__(self) -> None:
        self.places: dict[ConversationId, _Place] = {}

    @contextlib.asynccontextmanager
    async def standing(self, conversation_id: ConversationId) -> AsyncIterator[None]:
        place = self.places.setdefault(conversation_id, _Place())
        place.users += 1
        try:
            async with place.lock:
                yield
        finally:
            place.users -= 1
            if place.users == 0:
                del self.places[conversation_id]


class Turn:
    """A turn that is held; `aclose` in any case."""

    def __init__(self, ctx: Ctx, conversation_id: ConversationId) -> None:
        self.conversation_id = conversation_id
        self.mark = TypedId.new()
        self._ctx = ctx
        self._stack = contextlib.AsyncExitStack()
        self._is_taken = False
        self._is_over = False

    async def take(self, patience: float) -> None:
        """Wait for the turn.

        Raises:
            InterlockError: CONFLICT turn_in_progress when patience (in seconds) is over, NOT_FOUND when there is no
                such conversation.
        """
        try:
            async with asyncio.timeout(patience):
                lines = self._ctx.runtime.local(_Lines)
                await self._stack.enter_async_context(lines.standing(self.conversation_id))
                while not await self._try():  # noqa: ASYNC110 - another server has it; no news comes from there
                    await asyncio.sleep(_ASK_SECONDS)
        except TimeoutError as error:
            await self._stack.aclose()
            raise turn_in_progress() from error
        except BaseException:
            await self._stack.aclose()
            raise
        self._is_taken = True
        renewing = asyncio.create_task(self._renew(), name=f"turn of {self.conversation_id}")
        self._stack.callback(renewing.cancel)

    async def end(self, unit: Ctx) -> None:
        """Give it up together with what was said in it; an outsider's thread in which nothing was said is dropped.

        Raises:
            InterlockError: CONFLICT turn_lost when someone else has it by now.
        """
        if not await Conversations(unit).release_turn(self.conversation_id, self.mark):
            raise turn_lost()
        self._is_over = True

    async def aclose(self) -> None:
        """Let the next one speak."""
        try:
            if self._is_taken and not self._is_over:
                async with self._ctx.begin() as unit:
                    await Conversations(unit).release_turn(self.conversation_id, self.mark)
        finally:
            await self._stack.aclose()

    async def _try(self) -> bool:
        async with self._ctx.begin() as unit:
            threads = Conversations(unit)
            if await threads.take_turn(self.conversation_id, self.mark, unit.now + LEASE):
                return True
            await threads.get(self.conversation_id)
            return False

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with self._ctx.begin() as unit:
                    if not await Conversations(unit).keep_turn(self.conversation_id, self.mark, unit.now + LEASE):
                        return
            except InterlockError as error:
                # The next sign of life may get through; if none does, the end of the turn will tell.
                log.warning("turn not renewed", conversation_id=str(self.conversation_id), error=error.message)
