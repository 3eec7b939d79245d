"""One pass through a durable function: finished steps come from the journal, the next ones are run and recorded."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError

from interlock.kit.errors import InterlockError
from interlock.runtime.context import Ctx
from interlock.runtime.database import is_database_trouble
from interlock.runtime.durable import FlowCancelled, Json, Step, journal
from interlock.runtime.durable.journal import DurableUseError, Record, RecordKind

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")

_LONGEST_NAP = 3600.0


class Suspended(BaseException):
    """Unwinds a flow that shall enter again later: the server stops, or its database is in trouble."""


class Slot:
    """A flow's place among those that work at the same time; given back while the flow waits.

    Several branches of one flow may wait at once: the place is given back by the first and taken again by the last.
    """

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._held = True
        self._waiting = 0

    def leave(self) -> None:
        """A branch begins to wait."""
        self._waiting += 1
        self.close()

    def abandon(self) -> None:
        """A branch's wait was broken off."""
        self._waiting -= 1

    async def back(self) -> None:
        """A branch goes on, once there is a place."""
        self._waiting -= 1
        await self._places.acquire()
        if self._held or self._waiting:
            self._places.release()
        else:
            self._held = True

    def close(self) -> None:
        """Give the place back for good."""
        if self._held:
            self._held = False
            self._places.release()


class JournalFlow:
    """The `Flow` that both engines hand to durable functions.

    Args:
        ctx: the system in the flow's workspace, without a unit of work.
        entry: the flow's row and records.
        slot: its place among the active flows.
        is_reentered: it has been running before, so its first unrecorded step may have been in flight.
    """

    def __init__(self, ctx: Ctx, entry: journal.Entry, slot: Slot, *, is_reentered: bool) -> None:
        self.id = entry.flow_id
        self.ctx = ctx
        self.is_suspended = False
        self._records = entry.records
        self._slot = slot
        self._may_repeat = is_reentered
        self._asked: set[str] = set()
        self._waits: Counter[str] = Counter()
        self._is_stopping = False
        self._is_cancelled = entry.cancel_requested
        self._cancel_raised = False
        self._version = 0
        self._news = asyncio.Event()

    def poke(self) -> None:
        """Have every wait of this flow look again."""
        self._version += 1
        self._news.set()
        self._news.clear()

    def cancel(self) -> None:
        """Raise FlowCancelled at the next unrecorded step or wait."""
        self._is_cancelled = True
        self.poke()

    def stop(self) -> None:
        """Suspend at the next unrecorded step or wait."""
        self._is_stopping = True
        self.poke()

    async def transact(self, key: str, step: Step) -> Json:
        """See `Flow.transact`."""
        record = self._recorded(key, RecordKind.TRANSACT)
        if record is None:
            record = await self._guarded(self._transact(key, step))
        return _outcome(record)

    async def step(self, key: str, step: Step) -> Json:
        """See `Flow.step`."""
        record = self._recorded(key, RecordKind.STEP)
        if record is None:
            if self._may_repeat:
                log.info("durable step runs after a restart; it may have run before", flow=self.id, key=key)
            record = await self._guarded(self._step(key, step))
        return _outcome(record)

    async def wait(self, topic: str, *, until: datetime | None = None) -> Json | None:
        """See `Flow.wait`."""
        self._waits[topic] += 1
        key = f"wait/{topic}/{self._waits[topic]}"
        record = self._recorded(key, RecordKind.WAIT)
        if record is None:
            record = await self._guarded(self._wait(key, topic, until))
        self._records.pop(f"{key}/until", None)
        return _outcome(record)

    async def sleep_until(self, key: str, moment: datetime) -> None:
        """See `Flow.sleep_until`."""
        record = self._recorded(key, RecordKind.SLEEP)
        if record is None:
            record = await self._guarded(self._save(key, _moment_record(RecordKind.SLEEP, moment)))
        target = datetime.fromisoformat(journal.decode(record.text))
        while self.ctx.now < target:
            seen = self._version
            self._boundary()
            await self._nap(seen, target)

    def _recorded(self, key: str, kind: RecordKind) -> Record | None:
        """The record of a finished step; without one the flow is at its frontier, where it may be stopped."""
        journal.checked_name(key, what=f"flow {self.id}: a step key")
        if key in self._asked:
            raise DurableUseError(f"flow {self.id} uses the step key '{key}' twice: give every step a key of its own")
        record = self._records.pop(key, None)
        if record is None:
            self._boundary()
        elif record.kind is not kind:
            raise DurableUseError(
                f"flow {self.id} asks for '{key}' as a {kind.value}, but it was recorded as a {record.kind.value}: "
                "a replay must take the path of the first pass; register changed functions under a new name"
            )
        self._asked.add(key)
        return record

    def _boundary(self) -> None:
        if self._is_stopping:
            self._suspend()
        if self._is_cancelled and not self._cancel_raised:
            self._cancel_raised = True
            raise FlowCancelled(self.id)

    def _suspend(self, cause: BaseException | None = None) -> None:
        self.is_suspended = True
        raise Suspended(self.id) from cause

    async def _guarded(self, work: Awaitable[ResultT]) -> ResultT:
        """Run work at the frontier; trouble with our own database suspends the flow rather than failing it."""
        try:
            return await work
        except (InterlockError, DBAPIError) as error:
            if is_database_trouble(error):
                log.warning("flow suspended: the database is in trouble", flow=self.id, exc_info=error)
                self._suspend(error)
            raise
        finally:
            self._may_repeat = False

    async def _transact(self, key: str, step: Step) -> Record:
        try:
            async with self.ctx.begin() as inner:
                text = journal.encode(await step(inner), what=f"flow {self.id}: the result of '{key}'")
                record = Record(RecordKind.TRANSACT, text)
                await journal.add_record(inner, self.id, key, record)
            return record
        except IntegrityError as error:
            return await self._recorded_elsewhere(key, error)
        except InterlockError as error:
            return await self._save_error(key, RecordKind.TRANSACT, error)

    async def _step(self, key: str, step: Step) -> Record:
        try:
            text = journal.encode(await step(self.ctx), what=f"flow {self.id}: the result of '{key}'")
        except InterlockError as error:
            return await self._save_error(key, RecordKind.STEP, error)
        return await self._save(key, Record(RecordKind.STEP, text))

    async def _save_error(self, key: str, kind: RecordKind, error: InterlockError) -> Record:
        """An error that a caller could be told is an outcome like any other: a replay must raise it again."""
        if is_database_trouble(error):
            raise error
        text = journal.encode(journal.error_to_json(error), what=f"flow {self.id}: the error of '{key}'")
        return await self._save(key, Record(kind, text, is_error=True))

    async def _save(self, key: str, record: Record) -> Record:
        """Record it, unless another server was first; then theirs counts."""
        try:
            async with self.ctx.begin() as inner:
                await journal.add_record(inner, self.id, key, record)
        except IntegrityError as error:
            return await self._recorded_elsewhere(key, error)
        return record

    async def _recorded_elsewhere(self, key: str, error: IntegrityError) -> Record:
        """A server thought dead, or its successor, has made this step: what we wrote is undone, theirs counts."""
        async with self.ctx.begin(write=False) as looking:
            found = await journal.find_record(looking, self.id, key)
        if found is None:
            raise error
        log.warning("durable step was made by another server", flow=self.id, key=key)
        return found

    async def _wait(self, key: str, topic: str, until: datetime | None) -> Record:
        deadline = until
        is_deadline_kept = until is None
        while True:
            seen = self._version
            taken = await self._take(key, topic, is_late=deadline is not None and self.ctx.now >= deadline)
            if taken is not None:
                return taken
            self._boundary()
            if not is_deadline_kept and until is not None:
                deadline = await self._keep_deadline(f"{key}/until", until)
                is_deadline_kept = True
                continue
            await self._nap(seen, deadline)

    async def _keep_deadline(self, key: str, until: datetime) -> datetime:
        """The deadline of the first pass: a replay may have computed a later one."""
        record = self._records.pop(key, None)
        if record is None:
            record = await self._save(key, _moment_record(RecordKind.DEADLINE, until))
        return datetime.fromisoformat(journal.decode(record.text))

    async def _take(self, key: str, topic: str, *, is_late: bool) -> Record | None:
        if not is_late:
            async with self.ctx.begin(write=False) as looking:
                if not await journal.has_signal(looking, self.id, topic):
                    return None
        try:
            async with self.ctx.begin() as inner:
                payload = await journal.take_signal(inner, self.id, topic)
                if payload is None and not is_late:
                    return None
                record = Record(RecordKind.WAIT, "null" if payload is None else payload)
                await journal.add_record(inner, self.id, key, record)
        except IntegrityError as error:
            return await self._recorded_elsewhere(key, error)
        return record

    async def _nap(self, seen: int, until: datetime | None) -> None:
        """Rest until poked (not at all when poked since `seen`) or until the moment; holds no place meanwhile."""
        if self._version != seen:
            return
        seconds = _LONGEST_NAP if until is None else (until - self.ctx.now).total_seconds()
        self._slot.leave()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(seconds, 0.0), _LONGEST_NAP)):
                    await self._news.wait()
            if self._is_stopping:
                self._suspend()
        except BaseException:
            self._slot.abandon()
            raise
        await self._slot.back()


def _moment_record(kind: RecordKind, moment: datetime) -> Record:
    if moment.tzinfo is None:
        raise DurableUseError(f"{moment.isoformat()} has no time zone: give an aware moment")
    return Record(kind, journal.encode(moment.astimezone(UTC).isoformat(), what="a moment"))


def _outcome(record: Record) -> Json:
    value = journal.decode(record.text)
    if record.is_error:
        raise journal.error_from_json(value)
    return value
