"""Who is alive: each server's heartbeat, told by the database's clock, and which servers have to be succeeded."""

from sqlalchemy import Boolean, Column, String, Table, bindparam, delete, or_, select, text, true, update

from interlock.runtime import tables
from interlock.runtime.context import Ctx
from interlock.runtime.repository import insert_if_absent

server_rows = Table(
    "durable_servers",
    tables.metadata,
    tables.key(),
    Column("server", String(80), nullable=False, unique=True),
    tables.moment("seen_at"),
    Column("is_dead", Boolean(create_constraint=True, name="is_dead"), nullable=False),
)

_NOW = text("clock_timestamp()")
_SERVER = server_rows.c.server == bindparam("name")
_BEAT = update(server_rows).where(_SERVER, ~server_rows.c.is_dead).values(seen_at=_NOW)
_BURY_FORMER = update(server_rows).where(server_rows.c.server.startswith(bindparam("prefix"))).values(is_dead=True)
_LEAVE = update(server_rows).where(_SERVER).values(is_dead=True)
_BURY = (
    update(server_rows)
    .where(
        or_(
            server_rows.c.is_dead == true(),
            text("durable_servers.seen_at < clock_timestamp() - make_interval(secs => :stale)"),
        )
    )
    .values(is_dead=True)
)
_DEAD = select(server_rows.c.server).where(server_rows.c.is_dead == true())
_FORGET = delete(server_rows).where(_SERVER)


async def join(ctx: Ctx, server: str) -> None:
    """Count as alive from now on."""
    await insert_if_absent(ctx, server_rows, {"server": server, "seen_at": _NOW, "is_dead": False})


async def bury(ctx: Ctx, name: str) -> None:
    """Mark every executor of a server dead: it is starting again, so none of them lives."""
    session = await ctx.session()
    await session.execute(_BURY_FORMER, {"prefix": f"{name}-"})


async def beat(ctx: Ctx, server: str) -> bool:
    """Say that a server lives; false when the others gave it up meanwhile."""
    session = await ctx.session()
    return bool((await session.execute(_BEAT, {"name": server})).rowcount)


async def leave(ctx: Ctx, server: str) -> None:
    """Let the others take over at once."""
    session = await ctx.session()
    await session.execute(_LEAVE, {"name": server})


async def find_dead(ctx: Ctx, stale_seconds: float) -> list[str]:
    """Servers that have left or been silent for too long, marked so that they learn of it should they come back."""
    session = await ctx.session()
    await session.execute(_BURY, {"stale": stale_seconds})
    return list((await session.execute(_DEAD)).scalars())


async def forget(ctx: Ctx, server: str) -> None:
    """Its work has been handed on."""
    session = await ctx.session()
    await session.execute(_FORGET, {"name": server})
