"""Facts of the whole server that must not change under its data, such as the master key it was written with."""

from sqlalchemy import Column, String, Table, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime import tables
from interlock.runtime.context import Ctx

_MASTER_KEY = "master_key_fingerprint"

server_facts = Table(
    "server_facts",
    tables.metadata,
    tables.key(),
    Column("name", String(80), nullable=False, unique=True),
    Column("value", String(200), nullable=False),
)


async def check_master_key(ctx: Ctx) -> None:
    """Remember the master key's fingerprint at the first start, and refuse any other key from then on.

    Raises:
        InterlockError: master_key_wrong.
    """
    session = await ctx.session()
    mine = ctx.runtime.secrets.fingerprint
    insert = postgres_insert if session.is_postgres else sqlite_insert
    await session.execute(insert(server_facts).values(name=_MASTER_KEY, value=mine).on_conflict_do_nothing())
    stored = (
        await session.execute(select(server_facts.c.value).where(server_facts.c.name == _MASTER_KEY))
    ).scalar_one()
    if stored != mine:
        raise InterlockError(
            Kind.INTERNAL,
            "This data was written with another master key.",
            code="master_key_wrong",
            hint="Set INTERLOCK_MASTER_KEY, or put back master.key, as it was when the data was written.",
        )
