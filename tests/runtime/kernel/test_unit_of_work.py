"""A unit of work: all of it or nothing, one at a time, and no network inside."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx
from interlock.runtime.database import Session
from interlock.runtime.events import stream_events
from interlock.runtime.jobs import job_rows
from tests.runtime.kernel.kernel import Kernel, Painted, add, parts, things
from tests.runtime.peer import peer, reply

PATIENCE = 10.0


class BangError(Exception):
    """Something goes wrong in the middle."""


async def ignore(_ctx: Ctx, _event: Painted) -> None:
    """A subscriber that only needs to exist."""


async def everything(ctx: Ctx, name: str) -> None:
    """A row, news with a subscriber, and an event of a stream."""
    await add(ctx, name)
    await ctx.emit(Painted(thing=name))
    await ctx.runtime.streams.append(ctx, "stream", "made", {"name": name})


async def test_what_commits_is_all_there(kernel: Kernel) -> None:
    kernel.runtime.jobs.subscribe(Painted, "tests.ignore", ignore)
    async with kernel.ctx().begin() as inner:
        await everything(inner, "one")
        assert await kernel_sees_nothing_yet(kernel)
    assert [await kernel.count(table) for table in (things, job_rows, stream_events)] == [1, 1, 1]


async def kernel_sees_nothing_yet(kernel: Kernel) -> bool:
    """Another task, hence another transaction, does not see uncommitted rows."""
    return await asyncio.create_task(seen_from_outside(kernel)) == 0


async def seen_from_outside(kernel: Kernel) -> int:
    session = await kernel.runtime.database.begin(write=False)
    number: int = (await session.execute(text("SELECT count(*) FROM things"))).scalar_one()
    await session.rollback()
    return number


@pytest.mark.parametrize("error", [BangError, InterlockError(Kind.CONFLICT, "no"), asyncio.CancelledError])
async def test_an_error_leaves_nothing(kernel: Kernel, error: type[BaseException] | BaseException) -> None:
    kernel.runtime.jobs.subscribe(Painted, "tests.ignore", ignore)
    told: list[str] = []
    kind = error if isinstance(error, type) else type(error)
    with pytest.raises(kind):  # noqa: PT012 - the block is the unit of work
        async with kernel.ctx().begin() as inner:
            await everything(inner, "one")
            inner.the_unit().after_commit(lambda: told.append("committed"))
            raise error
    assert [await kernel.count(table) for table in (things, job_rows, stream_events)] == [0, 0, 0]
    assert told == []
    await kernel.add("two")
    assert await kernel.names() == ["two"]


async def test_a_cancelled_task_gives_its_turn_back(kernel: Kernel) -> None:
    inside = asyncio.Event()

    async def holds() -> None:
        async with kernel.ctx().begin() as inner:
            await add(inner, "held")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(holds())
    await inside.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    async with asyncio.timeout(PATIENCE):
        await kernel.add("next")
    assert await kernel.names() == ["next"]


async def test_a_waiter_that_gives_up_does_not_take_a_turn(kernel: Kernel) -> None:
    go = asyncio.Event()

    async def when_told(name: str) -> None:
        await go.wait()
        await kernel.add(name)

    waiting = [asyncio.create_task(when_told(f"waiting {index}")) for index in range(3)]
    async with kernel.ctx().begin() as inner:
        await add(inner, "first")
        go.set()
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting, return_exceptions=True)
        await kernel.add("last")
    assert {"first", "waiting 0", "waiting 2", "last"} == set(await kernel.names())


async def test_a_task_started_inside_is_part_of_the_unit(kernel: Kernel) -> None:
    # Otherwise waiting for it would be waiting for one's own turn.
    async with kernel.ctx().begin() as outer:
        await add(outer, "outer")
        with pytest.raises(RuntimeError, match="already open"):
            await asyncio.create_task(kernel.add("child"))
    assert await kernel.names() == ["outer"]


async def test_a_unit_opens_nothing_until_it_is_used(kernel: Kernel) -> None:
    async with kernel.ctx().begin() as idle:
        assert not idle.the_unit().is_open
        async with asyncio.timeout(PATIENCE):
            await asyncio.create_task(kernel.add("meanwhile"))
    assert await kernel.names() == ["meanwhile"]


async def test_a_nested_unit_is_refused_and_the_outer_one_goes_on(kernel: Kernel) -> None:
    async with kernel.ctx().begin() as outer:
        await add(outer, "outer")
        with pytest.raises(RuntimeError, match="already open"):
            async with outer.begin() as nested:
                await add(nested, "nested")
        with pytest.raises(RuntimeError, match="already open"):
            async with kernel.ctx().begin(write=False) as nested:
                await nested.session()
    assert await kernel.names() == ["outer"]


async def test_units_follow_one_another_in_one_task(kernel: Kernel) -> None:
    for name in ("one", "two", "three"):
        await kernel.add(name)
    assert await kernel.names() == ["one", "two", "three"]


async def test_many_tasks_write_in_turn(kernel: Kernel) -> None:
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(kernel.add(f"thing {index}") for index in range(40)))
    assert await kernel.count(things) == 40


async def test_a_context_without_a_unit_cannot_touch_the_database(kernel: Kernel) -> None:
    with pytest.raises(RuntimeError, match=r"ctx\.begin"):
        await kernel.ctx().session()


async def test_last_actions_run_inside_and_first_consequences_after(kernel: Kernel) -> None:
    order: list[str] = []

    async def last(session: Session) -> None:
        await session.execute(text("UPDATE things SET name = 'renamed'"))
        order.append("before commit")

    async with kernel.ctx().begin() as inner:
        await add(inner, "one")
        inner.the_unit().before_commit(last)
        inner.the_unit().after_commit(lambda: order.append("after commit"))
        order.append("body")
    assert order == ["body", "before commit", "after commit"]
    assert await kernel.names() == ["renamed"]


async def test_a_failing_last_action_undoes_everything(kernel: Kernel) -> None:
    async def fails(_session: Session) -> None:
        raise BangError

    with pytest.raises(BangError):  # noqa: PT012 - the block is the unit of work
        async with kernel.ctx().begin() as inner:
            await add(inner, "one")
            inner.the_unit().before_commit(fails)
    async with asyncio.timeout(PATIENCE):
        await kernel.add("two")
    assert await kernel.names() == ["two"]


async def test_a_commit_that_the_database_refuses_undoes_everything_and_frees_the_turn(kernel: Kernel) -> None:
    told: list[str] = []
    with pytest.raises(IntegrityError):  # noqa: PT012 - the block is the unit of work
        async with kernel.ctx().begin() as inner:
            await add(inner, "one")
            await (await inner.session()).execute(insert(parts), {"id": 1, "thing_id": 4711})
            inner.the_unit().after_commit(lambda: told.append("committed"))
    async with asyncio.timeout(PATIENCE):
        await kernel.add("two")
    assert (await kernel.names(), told) == (["two"], [])


async def test_a_failed_statement_leaves_the_unit_to_be_undone(kernel: Kernel) -> None:
    await kernel.add("taken")
    with pytest.raises(InterlockError) as caught:  # noqa: PT012 - the block is the unit of work
        async with kernel.ctx().begin() as inner:
            await add(inner, "fine")
            await add(inner, "taken")
    assert caught.value.kind is Kind.CONFLICT
    assert await kernel.names() == ["taken"]


async def test_the_network_is_out_of_reach_inside(kernel: Kernel) -> None:
    async with peer(reply()) as remote:
        async with kernel.ctx().begin() as inner:
            await add(inner, "one")
            with pytest.raises(InterlockError) as caught:
                await kernel.runtime.http.request("GET", remote.url(), allow_private=True)
            with pytest.raises(InterlockError) as streamed:
                await kernel.runtime.http.stream("GET", remote.url(), allow_private=True).__aenter__()
        for error in (caught.value, streamed.value):
            assert (error.kind, error.code) == (Kind.INTERNAL, "network_in_unit_of_work")
        assert remote.connections == 0
        answer = await kernel.runtime.http.request("GET", remote.url(), allow_private=True)
    assert answer.status == 200


async def test_an_open_but_unused_unit_does_not_forbid_the_network(kernel: Kernel) -> None:
    async with peer(reply()) as remote, kernel.ctx().begin():
        answer = await kernel.runtime.http.request("GET", remote.url(), allow_private=True)
    assert answer.status == 200
