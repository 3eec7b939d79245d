"""Operations on backups: copies of the whole server's data, made in a thread while it works.

A backup holds every workspace of the server, so that only the workspace it was founded with sees any of this.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import Field

from interlock.domains.org import service as org
from interlock.kit.errors import InterlockError, conflict, forbidden
from interlock.kit.operations import Command, Effect, Nothing, View, operation
from interlock.runtime import backup
from interlock.runtime.context import Ctx, Runtime

log = structlog.get_logger(__name__)

_FAILED = "The backup could not be written."


class Backup(View):
    """A finished backup; `has_master_key` tells of one that can be read without anything else."""

    name: str
    created_at: datetime
    size: int
    version: str
    has_master_key: bool


class BackupWork(View):
    """A backup that is being written, or the newest one that failed.

    `doing` is copying, checking, packing or verifying, or failed; `percent` tells how much of that is done.
    """

    name: str
    started_at: datetime
    doing: str
    percent: int
    error: str | None = None


class Backups(View):
    """What there is; `unavailable` says why none can be made here."""

    unavailable: str | None
    hint: str | None
    work: BackupWork | None
    items: tuple[Backup, ...]


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A backup to be sent as it lies on the disk."""

    name: str
    path: Path


class BackupRef(Command):
    """Which backup."""

    name: Annotated[str, Field(max_length=80)]


class Desk:
    """What this server is writing; one at a time."""

    def __init__(self) -> None:
        self.work: BackupWork | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a backup is being written."""
        return self.task is not None and not self.task.done()

    def told(self, doing: str, percent: int) -> None:
        """Called from the writing thread; a whole value replaces another."""
        if self.work is not None:
            self.work = self.work.model_copy(update={"doing": doing, "percent": percent})


@operation("backups.list", scope="admin")
async def list_(ctx: Ctx, command: Nothing) -> Backups:
    """List the server's backups, newest first, and the one that is being written."""
    await _require_founders(ctx)
    if ctx.settings.is_postgres:
        words = backup.postgres_words()
        return Backups(unavailable=words.message, hint=words.hint, work=None, items=())
    found = await asyncio.to_thread(backup.copies, ctx.settings)
    items = tuple(Backup.model_validate(copy) for copy in found)
    return Backups(unavailable=None, hint=None, work=ctx.runtime.local(Desk).work, items=items)


@operation("backups.create", scope="admin", effect=Effect.WRITE)
async def create(ctx: Ctx, command: Nothing) -> BackupWork:
    """Begin a backup of the whole server's data, without its master key; the list tells how far it is."""
    await _require_founders(ctx)
    if ctx.settings.is_postgres:
        raise backup.postgres_words()
    desk = ctx.runtime.local(Desk)
    if desk.is_busy:
        raise conflict("A backup is being written already.", hint="Wait for it; the list tells how far it is.")
    name = backup.new_name(ctx.now)
    work = BackupWork(name=name, started_at=ctx.now, doing="copying", percent=0)

    def begin() -> None:
        desk.work = work
        desk.task = asyncio.create_task(_write(ctx.runtime, desk, work), name="backup")

    ctx.the_unit().after_commit(begin)
    return work


@operation("backups.delete", scope="admin", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: BackupRef) -> Backup:
    """Delete a backup from the server's disk for good."""
    await _require_founders(ctx)
    found = await asyncio.to_thread(backup.find, ctx.settings, command.name)
    ctx.the_unit().after_commit(lambda: found.path.unlink(missing_ok=True))
    return Backup.model_validate(found)


@operation("backups.open", scope="admin")
async def open_(ctx: Ctx, command: BackupRef) -> BackupFile:
    """Give a backup out as a file."""
    await _require_founders(ctx)
    found = await asyncio.to_thread(backup.find, ctx.settings, command.name)
    return BackupFile(found.name, found.path)


async def _write(runtime: Runtime, desk: Desk, work: BackupWork) -> None:
    settings = runtime.settings
    target = backup.folder_of(settings) / work.name
    try:
        await asyncio.to_thread(backup.write, settings, target, work.started_at, desk.told, with_master_key=False)
    except Exception as error:
        log.warning("a backup could not be written", exc_info=error)
        words = error.message if isinstance(error, InterlockError) else f"{_FAILED} {type(error).__name__}"
        desk.work = work.model_copy(update={"doing": "failed", "error": words})
    else:
        desk.work = None


async def _require_founders(ctx: Ctx) -> None:
    if await org.founding_workspace(ctx) != ctx.workspace_id:
        raise forbidden(
            "Backups hold every workspace of this server, so that only the one it was founded with makes them."
        )
