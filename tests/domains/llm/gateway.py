"""A gateway on a fresh database with providers that are fakes on local ports, and a clock the test moves."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr
from sqlalchemy import select

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.models import budget_reservations, usage_entries
from interlock.domains.llm import service as llm
from interlock.domains.llm.switchboard import Switchboard
from interlock.domains.llm.views import Provider, ProviderKind
from interlock.domains.org import service as org
from interlock.kit.clock import FixedClock
from interlock.kit.operations import Nothing
from interlock.runtime.context import ALL_SCOPES, SYSTEM, Actor, ActorKind, Ctx, Runtime, UserId, WorkspaceId
from interlock.runtime.database import open_database
from interlock.runtime.events import Streams
from interlock.runtime.http import GuardedHttp
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import Jobs
from interlock.runtime.secrets import Secrets
from interlock.runtime.settings import Settings
from tests.support.schema import lay_tables

CommandT = TypeVar("CommandT", bound=BaseModel)
ResultT = TypeVar("ResultT")

START = datetime(2026, 8, 31, 12, 0, tzinfo=UTC)
KEY = "sk-test-0123456789abcdef"
_MASTER_KEY = base64.b64decode("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")


@dataclass
class Gateway:
    """A runtime, its clock, a workspace's context, and the pauses the gateway wanted to make."""

    runtime: Runtime
    clock: FixedClock
    ctx: Ctx
    pauses: list[float] = field(default_factory=list)

    async def call(self, function: Callable[[Ctx, CommandT], Awaitable[ResultT]], command: CommandT) -> ResultT:
        """Call an operation as a request would."""
        return await invoke(self.ctx, function, command)

    async def provider(self, kind: ProviderKind, base_url: str, **fields: Any) -> Provider:
        """Add a provider that points at a fake."""
        values = {"name": kind.value, "credential": SecretStr(KEY), **fields}
        return await self.call(llm.create_provider, llm.CreateProvider(kind=kind, base_url=base_url, **values))

    async def route(self, name: str, *targets: str) -> None:
        """Add a route."""
        await self.call(llm.create_route, llm.CreateRoute(name=name, targets=targets))

    async def cap(self, monthly: str) -> None:
        """Set the monthly cap."""
        await self.call(budgets.update, budgets.UpdateBudget(monthly_cap=Decimal(monthly)))

    async def booked(self) -> list[Any]:
        """The money ledger."""
        async with self.ctx.begin(write=False) as unit:
            return list(
                (await (await unit.session()).execute(select(usage_entries).order_by(usage_entries.c.id))).all()
            )

    async def held(self) -> list[Any]:
        """Reservations that are neither settled nor released."""
        async with self.ctx.begin(write=False) as unit:
            rows = await (await unit.session()).execute(select(budget_reservations))
            return [row for row in rows if row.status == "held"]

    async def spent(self) -> Decimal:
        """This month's total."""
        return (await self.call(budgets.get, Nothing())).monthly_spent

    async def elsewhere(self) -> Ctx:
        """Another workspace on the same server."""
        return await _found(self.ctx)


async def _found(ctx: Ctx) -> Ctx:
    async with ctx.begin() as unit:
        workspace = await org.found_workspace(unit, "acme")
    key = UserId.new()
    actor = Actor(ActorKind.USER, key, "ada@example.com", key)
    return replace(ctx, workspace_id=WorkspaceId.of(workspace.id), actor=actor)


@asynccontextmanager
async def opened(data_dir: Path, **settings: Any) -> AsyncIterator[Gateway]:
    """A gateway with an empty database."""
    values = {"data_dir": data_dir, "http_allow_private": "127.0.0.0/8", "local_model_threads": 1, **settings}
    chosen = Settings.model_validate(values)
    database = open_database(chosen)
    await lay_tables(database)
    clock = FixedClock(START)
    unused: Any = None
    runtime = Runtime(
        settings=chosen,
        database=database,
        secrets=Secrets(_MASTER_KEY),
        clock=clock,
        streams=Streams(),
        jobs=Jobs(),
        durable=unused,
        http=GuardedHttp(chosen),
    )
    root = Ctx(runtime, SYSTEM, WorkspaceId.new(), ALL_SCOPES, request_id="test", face="test")
    gateway = Gateway(runtime, clock, await _found(root))

    async def sleep(seconds: float) -> None:
        gateway.pauses.append(seconds)

    runtime.local(Switchboard).sleep = sleep
    try:
        yield gateway
    finally:
        await llm.shut_down(runtime)
        await runtime.http.close()
        await database.close()
