"""What only tests do: a second server on the same database, and hands in the database behind the server's back."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import text

from interlock.runtime.context import Ctx
from interlock.runtime.database import open_database
from tests.domains.governance.world import World

ResultT = TypeVar("ResultT")


def another_server(world: World) -> Ctx:
    """The context of a second process on the same database: nothing in memory is shared."""
    runtime = replace(world.runtime, database=open_database(world.runtime.settings), _locals={})
    return replace(world.ctx, runtime=runtime)


async def within(ctx: Ctx, work: Callable[[Ctx], Awaitable[ResultT]]) -> ResultT:
    """Do something in a writing unit of work of its own."""
    async with ctx.begin() as unit_ctx:
        return await work(unit_ctx)


async def tamper(world: World, *statements: str, **parameters: Any) -> None:
    """Change evidence as somebody would who owns the database: drop the triggers first."""
    async with world.ctx.begin() as unit_ctx:
        session = await unit_ctx.session()
        if session.is_postgres:
            await session.execute(text("DROP TRIGGER IF EXISTS ledger_entries_insert_only ON ledger_entries"))
        else:
            for name in ("update", "delete", "replace"):
                await session.execute(text(f"DROP TRIGGER IF EXISTS ledger_entries_no_{name}"))
        for statement in statements:
            used = {name: value for name, value in parameters.items() if f":{name}" in statement}
            await session.execute(text(statement), used)


async def rows(ctx: Ctx, statement: str) -> list[Any]:
    """Read rows as they are stored."""
    async with ctx.begin(write=False) as unit_ctx:
        return list((await (await unit_ctx.session()).execute(text(statement))).all())
