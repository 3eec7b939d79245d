"""A running server as the suites over the registry see it, and what a sample of an operation is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, TypeAlias

from sqlalchemy import func, select

from interlock.domains.runs.states import LIFECYCLE, RunStatus
from interlock.kit.ids import TypedId
from interlock.kit.operations import REGISTRY
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import job_rows
from tests.support.app import Server

_numbers = count(1)
CLOSED_PORT = "http://127.0.0.1:9"
PATIENCE = 30.0
ENDINGS = frozenset(f"run.{status.value}" for status in RunStatus if LIFECYCLE.is_final(status))
LEASE = timedelta(minutes=6)  # a job at work is put off by its lease
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Sample:
    """A command as a caller would write it, and the credential that may send it."""

    payload: dict[str, Any]
    credential: str | None = None


@dataclass(frozen=True)
class World:
    """A server seen from one workspace."""

    server: Server
    key: str
    samples: "Mapping[str, Build]" = field(repr=False)

    async def ctx(self, credential: str | None = None) -> Ctx:
        """A caller's context."""
        return await self.server.ctx(credential or self.key)

    async def call(self, name: str, payload: dict[str, Any] | None = None, credential: str | None = None) -> Any:
        """Call an operation by name, through the doorway."""
        operation = REGISTRY[name]
        command = operation.command.model_validate(payload or {})
        return await invoke(await self.ctx(credential), operation.function, command)

    async def run(self, name: str) -> Any:
        """Call an operation with its sample."""
        sample = await self.samples[name](self)
        return await self.call(name, sample.payload, sample.credential)

    async def next_event(self, run_id: TypedId, kinds: set[str]) -> str:
        """Wait until a run tells one of these."""
        async with asyncio.timeout(PATIENCE):
            async for event in self.server.runtime.streams.follow(await self.ctx(), f"run:{run_id}", 0):
                if event is not None and event.type in kinds:
                    return event.type
        raise AssertionError

    async def settle(self) -> None:
        """Wait until what earlier calls set going has come to rest."""
        for run in (await self.call("runs.list", {"status": "running"})).items:
            await self.next_event(run.id, {"tool.held", *ENDINGS})
        async with asyncio.timeout(PATIENCE):
            while await self._has_due_jobs():  # noqa: ASYNC110 - the worker has no event for tests
                await asyncio.sleep(0.02)

    async def _has_due_jobs(self) -> bool:
        async with (await self.ctx()).begin(write=False) as ctx:
            soon = ctx.now + LEASE
            fresh = select(func.count()).where(job_rows.c.attempts == 0, job_rows.c.run_at <= soon)
            number: int = (await (await ctx.session()).execute(fresh)).scalar_one()
            return number > 0

    async def made(self, name: str) -> TypedId:
        """The id of what a creating operation made."""
        identity: TypedId = (await self.run(name)).id
        return identity


def unique(stem: str) -> str:
    """A name nobody has."""
    return f"{stem}-{next(_numbers)}"


async def nothing(_world: World) -> Sample:
    """An operation that needs nothing said."""
    return Sample({})


def reference(name: str, creator: str) -> "Build":
    """A command that names, in field `name`, what the operation `creator` makes."""

    async def build(world: World) -> Sample:
        return Sample({name: await world.made(creator)})

    return build


Build: TypeAlias = Callable[[World], Awaitable[Sample]]
