"""Event streams: no gap, no repeat, nothing lost between reconnects, whoever follows and from wherever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import WorkspaceId
from interlock.runtime.events import StreamEvent
from tests.runtime.kernel.kernel import SEVERAL_SERVERS, Kernel, add, opened

PATIENCE = 20.0


async def append(kernel: Kernel, *names: str, stream: str = "news") -> None:
    for name in names:
        async with kernel.ctx().begin() as inner:
            await kernel.runtime.streams.append(inner, stream, "said", {"name": name})


async def take(kernel: Kernel, number: int, after: int = 0, *, heartbeat: float = 15.0) -> list[StreamEvent]:
    """The next so many events after a place."""
    events: list[StreamEvent] = []
    follower = kernel.runtime.streams.follow(kernel.ctx(), "news", after, heartbeat=heartbeat)
    async with asyncio.timeout(PATIENCE), aclosing(follower):  # type: ignore[type-var] # it is a generator
        async for event in follower:
            if event is not None:
                events.append(event)
            if len(events) == number:
                return events
    raise AssertionError("the stream ended by itself")


def sequence(events: list[StreamEvent]) -> list[int]:
    return [event.seq for event in events]


async def test_fifty_at_once_leave_no_gap(kernel: Kernel) -> None:
    await asyncio.gather(*(append(kernel, f"event {index}") for index in range(50)))
    events = await take(kernel, 50)
    assert sequence(events) == list(range(1, 51))
    assert {event.data["name"] for event in events} == {f"event {index}" for index in range(50)}


async def test_what_was_undone_leaves_no_gap(kernel: Kernel) -> None:
    await append(kernel, "one")
    with pytest.raises(InterlockError):  # noqa: PT012 - the block is the unit of work
        async with kernel.ctx().begin() as inner:
            assert await kernel.runtime.streams.append(inner, "news", "said", {"name": "never"}) == 2
            raise InterlockError(Kind.CONFLICT, "no")
    await append(kernel, "two")
    assert [(event.seq, event.data["name"]) for event in await take(kernel, 2)] == [(1, "one"), (2, "two")]


async def test_one_unit_may_append_several(kernel: Kernel) -> None:
    async with kernel.ctx().begin() as inner:
        await add(inner, "thing")
        numbers = [await kernel.runtime.streams.append(inner, "news", "said", {"name": str(i)}) for i in range(5)]
    assert numbers == [1, 2, 3, 4, 5]


async def test_a_follower_hears_what_comes_after_it_arrived(kernel: Kernel) -> None:
    await append(kernel, "early")
    following = asyncio.create_task(take(kernel, 4, heartbeat=PATIENCE))
    await asyncio.sleep(0.02)
    for name in ("one", "two", "three"):
        await append(kernel, name)
    assert [event.data["name"] for event in await following] == ["early", "one", "two", "three"]


async def test_a_follower_that_reconnects_again_and_again_misses_and_repeats_nothing(kernel: Kernel) -> None:
    writing = asyncio.create_task(append(kernel, *(f"event {index}" for index in range(60))))
    events: list[StreamEvent] = []
    while len(events) < 60:
        events += await take(kernel, min(7, 60 - len(events)), events[-1].seq if events else 0)
    await writing
    assert [(event.seq, event.data["name"]) for event in events] == [(i + 1, f"event {i}") for i in range(60)]


async def test_two_followers_hear_the_same(kernel: Kernel) -> None:
    following = [asyncio.create_task(take(kernel, 30)) for _ in range(2)]
    await asyncio.gather(*(append(kernel, f"event {index}") for index in range(30)))
    first, second = await asyncio.gather(*following)
    assert first == second
    assert sequence(first) == list(range(1, 31))


async def test_a_long_history_comes_in_batches_without_a_seam(kernel: Kernel) -> None:
    async with kernel.ctx().begin() as inner:
        for index in range(450):
            await kernel.runtime.streams.append(inner, "news", "said", {"name": str(index)})
    assert sequence(await take(kernel, 450)) == list(range(1, 451))
    assert sequence(await take(kernel, 50, 400)) == list(range(401, 451))


async def test_silence_is_said(kernel: Kernel) -> None:
    follower = kernel.runtime.streams.follow(kernel.ctx(), "news", 0, heartbeat=0.01)
    async with asyncio.timeout(PATIENCE), aclosing(follower):  # type: ignore[type-var] # it is a generator
        assert await anext(follower) is None
        assert await anext(follower) is None
        await append(kernel, "one")
        heard = [await anext(follower), await anext(follower)]
    assert [event.seq for event in heard if event] == [1]


async def test_another_workspace_hears_nothing(kernel: Kernel) -> None:
    await append(kernel, "secret")
    stranger = kernel.ctx(WorkspaceId.new())
    async with stranger.begin(write=False) as inner:
        assert await kernel.runtime.streams.read(inner, "news") == []
    follower = kernel.runtime.streams.follow(stranger, "news", 0, heartbeat=0.01)
    async with asyncio.timeout(PATIENCE), aclosing(follower):  # type: ignore[type-var] # it is a generator
        assert [await anext(follower) for _ in range(3)] == [None, None, None]


async def test_streams_do_not_mix(kernel: Kernel) -> None:
    await append(kernel, "a", stream="one")
    await append(kernel, "b", "c", stream="two")
    async with kernel.ctx().begin(write=False) as inner:
        told = {name: await kernel.runtime.streams.read(inner, name) for name in ("one", "two")}
    assert {name: sequence(events) for name, events in told.items()} == {"one": [1], "two": [1, 2]}


async def test_a_follower_that_left_leaves_nothing_behind(kernel: Kernel) -> None:
    await append(kernel, "one")
    await take(kernel, 1)
    assert dict(kernel.runtime.streams._waiting) == {}


async def test_a_follower_holds_no_transaction_while_it_waits(kernel: Kernel) -> None:
    following = asyncio.create_task(take(kernel, 100))
    async with asyncio.timeout(PATIENCE):
        await append(kernel, *(f"event {index}" for index in range(100)))
        assert len(await following) == 100


@asynccontextmanager
async def neighbour(kernel: Kernel, directory: Path, database_url: str | None) -> AsyncIterator[Kernel]:
    """A second server on the same PostgreSQL database, of the same workspace."""
    async with opened(directory, database_url) as other:
        other.workspace_id = kernel.workspace_id
        yield other


@SEVERAL_SERVERS
async def test_a_follower_on_another_server_is_woken(kernel: Kernel, directory: Path, database_url: str | None) -> None:
    async with neighbour(kernel, directory, database_url) as other:
        following = asyncio.create_task(take(other, 3, heartbeat=PATIENCE * 10))
        await asyncio.sleep(0.05)
        await append(kernel, "one", "two", "three")
        assert sequence(await following) == [1, 2, 3]


@SEVERAL_SERVERS
async def test_two_servers_append_to_one_stream_without_a_gap(
    kernel: Kernel, directory: Path, database_url: str | None
) -> None:
    async with neighbour(kernel, directory, database_url) as other:
        await asyncio.gather(*(append((kernel, other)[index % 2], str(index)) for index in range(50)))
        assert sequence(await take(other, 50)) == list(range(1, 51))


@SEVERAL_SERVERS
async def test_a_server_whose_listening_connection_broke_listens_again(
    kernel: Kernel, directory: Path, database_url: str | None
) -> None:
    async with neighbour(kernel, directory, database_url) as other:
        following = asyncio.create_task(take(other, 2, heartbeat=PATIENCE * 10))
        await append(kernel, "before")
        news = other.runtime.streams._news
        assert news is not None
        listener = news._connection
        assert listener is not None
        async with kernel.ctx().begin() as inner:
            breaking = text("SELECT pg_terminate_backend(:pid)")
            await (await inner.session()).execute(breaking, {"pid": listener.get_server_pid()})
        async with asyncio.timeout(PATIENCE):
            while news._connection in {None, listener}:  # noqa: ASYNC110 - nothing tells a test of it
                await asyncio.sleep(0.01)
            await append(kernel, "after")
            assert sequence(await following) == [1, 2]
