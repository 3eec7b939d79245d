"""A workspace on a fresh database with a clock the test moves, and the doorway as callers use it."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from interlock.domains.accounts.gates import known_caller, scope_held
from interlock.domains.governance.approvals import jobs as approval_jobs
from interlock.domains.governance.budgets import jobs as budget_jobs
from interlock.domains.org import service as org
from interlock.kit.clock import FixedClock
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Actor, ActorKind, Ctx, Runtime, UserId, WorkspaceId
from interlock.runtime.database import open_database
from interlock.runtime.events import Event, Streams
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import Jobs
from interlock.runtime.secrets import Secrets
from interlock.runtime.settings import Settings
from tests.support.schema import lay_tables

CommandT = TypeVar("CommandT", bound=BaseModel)
ResultT = TypeVar("ResultT")

START = datetime(2026, 8, 31, 12, 0, tzinfo=UTC)
MASTER_KEY = base64.b64decode("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")


@dataclass
class World:
    """A runtime, its clock, the first workspace's context, and the news that was published."""

    runtime: Runtime
    clock: FixedClock
    ctx: Ctx
    news: list[Event]
    on_news: Callable[[Event], None] | None = None

    async def call(self, function: Callable[[Ctx, CommandT], Awaitable[ResultT]], command: CommandT) -> ResultT:
        """Call an operation as a request would: with the workspace's current rules version."""
        return await invoke(await self.fresh(), function, command)

    async def call_as(
        self, actor: Actor, function: Callable[[Ctx, CommandT], Awaitable[ResultT]], command: CommandT
    ) -> ResultT:
        """The same as somebody else."""
        return await invoke((await self.fresh()).acting_as(actor, ALL_SCOPES), function, command)

    async def fresh(self) -> Ctx:
        """The context of a request that arrives now."""
        async with self.ctx.begin(write=False) as reading:
            facts = await org.facts(reading, self.ctx.workspace_id)
        return replace(self.ctx, workspace_version=facts.rules_version)

    async def elsewhere(self) -> Ctx:
        """The context of another workspace on the same server."""
        return await found(self.ctx)

    def heard(self, kind: type[Event]) -> list[Any]:
        """Published news of one kind."""
        return [event for event in self.news if isinstance(event, kind)]


class _ListeningJobs(Jobs):
    """Jobs that also tell the world of every published event, subscribed to or not."""

    world: World | None = None

    async def publish(self, ctx: Ctx, event: Event) -> None:
        """Hand it on through its wire form, as subscribers would get it."""
        heard = type(event).model_validate(event.model_dump(mode="json"))
        if self.world is not None:
            self.world.news.append(heard)
            if self.world.on_news is not None:
                self.world.on_news(heard)
        await super().publish(ctx, event)


def user(label: str = "ada@example.com") -> Actor:
    """A person."""
    key = UserId.new()
    return Actor(ActorKind.USER, key, label, key)


async def found(ctx: Ctx) -> Ctx:
    """A new workspace, seen by a person of it."""
    async with ctx.begin() as unit_ctx:
        workspace = await org.found_workspace(unit_ctx, "acme")
    return replace(
        ctx, workspace_id=WorkspaceId.of(workspace.id), workspace_version=workspace.rules_version, actor=user()
    )


async def build(settings: Settings) -> World:
    """A world on an empty database."""
    clock = FixedClock(START)
    database = open_database(settings)
    await lay_tables(database)
    unused: Any = None
    jobs = _ListeningJobs()
    runtime = Runtime(
        settings=settings,
        database=database,
        secrets=Secrets(MASTER_KEY),
        clock=clock,
        streams=Streams(),
        jobs=jobs,
        durable=unused,
        http=unused,
        gates=(known_caller, scope_held),
    )
    approval_jobs.register(jobs)
    budget_jobs.register(jobs)
    root = Ctx(runtime, SYSTEM, WorkspaceId.new(), ALL_SCOPES, request_id="test", face="test")
    jobs.world = World(runtime, clock, await found(root), [])
    return jobs.world
