"""Work of every day: one waiting job for each name on a whole database, which plans its successor before it works."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import bindparam, select

from interlock.kit.operations import Nothing
from interlock.runtime.context import Ctx
from interlock.runtime.jobs import JobId, Jobs, JobState, job_rows

_DAY = timedelta(days=1)
_WAITING = (
    select(job_rows.c.id)
    .where(
        job_rows.c.handler == bindparam("name"),
        job_rows.c.state == JobState.WAITING,
        job_rows.c.guid != bindparam("besides", type_=job_rows.c.guid.type),
    )
    .limit(1)
)
_NO_JOB = JobId(int=0)


def register(jobs: Jobs, name: str, work: Callable[[Ctx], Awaitable[object]]) -> None:
    """Name work of every day; it gets the system's context, of no workspace and without a unit of work."""

    async def run(ctx: Ctx, _: Nothing) -> None:
        await plan(ctx, name, besides=JobId.parse(ctx.request_id))
        await work(ctx)

    jobs.register(name, Nothing, run)


async def plan(ctx: Ctx, name: str, *, besides: JobId = _NO_JOB) -> None:
    """See that the work waits for tomorrow, unless it waits already; also at every start, should the chain have broken.

    Args:
        besides: the job that is running now.
    """
    async with ctx.begin() as unit:
        session = await unit.session()
        await session.lock(name)
        if (await session.execute(_WAITING, {"name": name, "besides": besides})).first() is None:
            await ctx.runtime.jobs.enqueue(unit, name, Nothing(), at=ctx.now + _DAY)
