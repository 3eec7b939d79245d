"""How often hooks were called, counted in memory and written every few seconds: no row is fought over for each call."""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from interlock.domains.webhooks import repository
from interlock.domains.webhooks.call_log import call_log_of
from interlock.domains.webhooks.views import Hook, HookId
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, Runtime, WorkspaceId

log = structlog.get_logger(__name__)

EVERY_SECONDS = 2.0


@dataclass(slots=True)
class Counts:
    """What is not written yet of one hook."""

    workspace_id: WorkspaceId
    at: datetime
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0


class Tally:
    """The counts of one server."""

    def __init__(self) -> None:
        self._counts: dict[HookId, Counts] = {}
        self._some = asyncio.Event()
        self._stopping = asyncio.Event()
        self._writing = asyncio.Lock()

    def note(self, ctx: Ctx, key: HookId, *, accepted: int = 0, duplicates: int = 0, refused: int = 0) -> None:
        """Count a call."""
        counts = self._counts.setdefault(key, Counts(ctx.workspace_id, ctx.now))
        counts.at = max(counts.at, ctx.now)
        counts.accepted += accepted
        counts.duplicates += duplicates
        counts.refused += refused
        self._some.set()

    def added_to(self, hook: Hook) -> Hook:
        """The hook with what this server has not written yet."""
        counts = self._counts.get(hook.id)
        if counts is None:
            return hook
        last = hook.last_received_at
        return hook.model_copy(
            update={
                "accepted": hook.accepted + counts.accepted,
                "duplicates": hook.duplicates + counts.duplicates,
                "refused": hook.refused + counts.refused,
                "last_received_at": counts.at if last is None else max(last, counts.at),
            }
        )

    def forget(self, key: HookId) -> None:
        """A hook is gone."""
        self._counts.pop(key, None)

    async def write(self, root: Ctx) -> None:
        """Write what was counted and the log of calls; what cannot be written now is written next time."""
        async with self._writing:
            await call_log_of(root.runtime).write(root)
            await self._write_counts(root)

    async def _write_counts(self, root: Ctx) -> None:
        for key in list(self._counts):
            counts = self._counts[key]
            try:
                async with replace(root, workspace_id=counts.workspace_id).begin() as unit:
                    seen = replace(counts)
                    added = {name: getattr(seen, name) for name in ("accepted", "duplicates", "refused", "at")}
                    await repository.add_counts(unit, key, added)
            except Exception as error:
                log.warning("the counts of a hook could not be written; it is tried again", exc_info=error)
                continue
            counts.accepted -= seen.accepted
            counts.duplicates -= seen.duplicates
            counts.refused -= seen.refused
            if not (counts.accepted or counts.duplicates or counts.refused):
                self._counts.pop(key, None)

    async def run(self, runtime: Runtime) -> None:
        """Write every few seconds while there is something, and once more at the end."""
        root = Ctx(runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="webhooks", face="jobs")
        while not self._stopping.is_set():
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY_SECONDS)
            self._some.clear()
            await self.write(root)
            if self._counts or call_log_of(runtime):
                self._some.set()

    def stop(self) -> None:
        """Write what there is and end."""
        self._stopping.set()
        self._some.set()


def tally_of(runtime: Runtime) -> Tally:
    """This server's tally."""
    return runtime.local(Tally)
