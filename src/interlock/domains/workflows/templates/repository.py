"""How often templates were taken; one row to a template, for the whole server."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from interlock.domains.workflows.models import template_installs
from interlock.runtime.context import Ctx

_installs = template_installs.c
_ALL = select(_installs.template_id, _installs.installs)
_OF_ONE = select(_installs.installs).where(_installs.template_id == bindparam("template"))


def _count_one(dialect_insert: Any) -> Any:
    fresh = dialect_insert(template_installs).values(template_id=bindparam("template"), installs=1)
    return fresh.on_conflict_do_update(
        index_elements=["template_id"], set_={"installs": template_installs.c.installs + 1}
    )


_COUNT_SQLITE = _count_one(sqlite_insert)
_COUNT_POSTGRES = _count_one(postgres_insert)


async def installs(ctx: Ctx) -> dict[str, int]:
    """The counters that are not zero."""
    return {row.template_id: row.installs for row in await (await ctx.session()).execute(_ALL)}


async def installs_of(ctx: Ctx, template_id: str) -> int:
    """One counter."""
    row = (await (await ctx.session()).execute(_OF_ONE, {"template": template_id})).first()
    return 0 if row is None else int(row.installs)


async def count_install(ctx: Ctx, template_id: str) -> None:
    """Count one more, in the caller's unit of work."""
    session = await ctx.session()
    statement = _COUNT_POSTGRES if session.is_postgres else _COUNT_SQLITE
    await session.execute(statement, {"template": template_id})
