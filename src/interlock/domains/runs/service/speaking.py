"""What a model writes, on its way to those who watch a conversation: stored in pieces before it is shown.

Pieces go to a stream of the run's own beside its events. Each names its turn and the attempt it belongs to: where an
attempt broke off (a provider failed, a server was killed) the next one begins the turn anew, and readers replace it.
"""

import asyncio
import contextlib
import secrets

from interlock.domains.governance.policies import service as policies
from interlock.domains.llm.service import calls as llm
from interlock.domains.llm.views import ModelCall, ModelReply
from interlock.domains.runs.repository import Runs
from interlock.domains.runs.service.spoken import TEXT, WITHHELD, speech_of
from interlock.domains.runs.states import LIFECYCLE
from interlock.kit.errors import InterlockError, conflict
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx

_PIECE_SECONDS = 0.25
_PIECE_CHARACTERS = 200


class Speech:
    """One turn of a model that people follow."""

    def __init__(self, ctx: Ctx, run_id: RunId, turn: int) -> None:
        self._ctx = ctx
        self._run_id = run_id
        self._turn = turn
        self._attempt = ""
        self._waiting: list[str] = []
        self._is_enough = asyncio.Event()
        self._has_told = False

    def begin(self) -> None:
        """A provider begins to answer, perhaps after another one broke off."""
        self._attempt = secrets.token_hex(4)
        self._waiting.clear()
        self._has_told = False

    def hear(self, text: str) -> None:
        """More of the answer."""
        self._waiting.append(text)
        if sum(map(len, self._waiting)) >= _PIECE_CHARACTERS:
            self._is_enough.set()

    async def follow(self, call: ModelCall) -> ModelReply:
        """Ask, and show the answer as it comes, unless a content policy could stop it: then only after its end.

        Raises:
            InterlockError: as the model call does, or CONFLICT when the run was ended meanwhile.
        """
        asking = asyncio.create_task(self._ask(call), name=f"answer of {self._run_id}")
        try:
            while not asking.done():
                await _first_of(asking, self._is_enough, _PIECE_SECONDS)
                self._is_enough.clear()
                if not await self._show():
                    raise conflict("The run was ended while the model was answering.", code="run_ended")
            return asking.result()
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, InterlockError):
                await asking

    async def conclude(self, text: str, refusal: str | None) -> None:
        """Show the rest, all that was held back, or that it must not be shown."""
        if refusal is not None:
            self._waiting.clear()
            async with self._ctx.begin() as unit:
                data = {"turn": self._turn, "reason": refusal}
                await unit.runtime.streams.append(unit, speech_of(self._run_id), WITHHELD, data)
            return
        if not self._has_told and not self._waiting and text:
            self.begin()
            self.hear(text)
        await self._show()

    async def _ask(self, call: ModelCall) -> ModelReply:
        listener = None if await self._may_be_stopped(call) else self
        return await llm.request(self._ctx, call, listener=listener)

    async def _may_be_stopped(self, call: ModelCall) -> bool:
        names = await llm.names_behind(self._ctx, call.model)
        async with self._ctx.begin(write=False) as unit:
            speaker = policies.caller_of(self._ctx)
            return any([await policies.may_stop_output(unit, caller=speaker, source=name) for name in names])

    async def _show(self) -> bool:
        """Store what waits; False when the run has ended, so that nobody wants it."""
        pieces, self._waiting = "".join(self._waiting), []
        async with self._ctx.begin(write=bool(pieces)) as unit:
            run = await Runs(unit).find(self._run_id)
            if run is None or LIFECYCLE.is_final(run.status):
                return False
            if pieces:
                data = {"turn": self._turn, "attempt": self._attempt, "text": pieces}
                await unit.runtime.streams.append(unit, speech_of(self._run_id), TEXT, data)
                self._has_told = True
        return True


async def _first_of(asking: asyncio.Task[ModelReply], enough: asyncio.Event, seconds: float) -> None:
    """Wait for the end of the answer, for a piece worth storing, or so long."""
    waiting = asyncio.create_task(enough.wait())
    try:
        await asyncio.wait({asking, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
