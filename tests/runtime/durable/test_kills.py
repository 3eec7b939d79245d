"""A real process, a real SIGKILL, at every kind of point; another server then finishes the work."""

import asyncio
import multiprocessing
import signal

import pytest

from interlock.runtime.durable.journal import FlowState
from tests.runtime.durable import victim
from tests.runtime.durable.victim import POINTS, journey
from tests.runtime.durable.world import PATIENCE, Backend, server

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.runtime.durable.victim"])


async def kill_at(backend: Backend, point: str) -> None:
    """Run the victim to its end."""
    process = SPAWN.Process(target=victim.main, args=(backend, point))
    process.start()
    await asyncio.to_thread(process.join, PATIENCE)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("point", POINTS)
async def test_kill_nine(backend: Backend, point: str) -> None:
    await kill_at(backend, point)
    effects = backend.directory / "effects"
    async with server(backend, journey(effects)) as world:
        if point == "before-start-commits":
            assert await world.row("f") is None
            return
        if point != "before-return":
            await world.signal("f", "go", 3)
        assert await world.ended("f") is FlowState.DONE
        assert (await world.row("f")).result == '[1,2,3,"x"]'
        assert await world.texts("f") == ["one", "last"]
    times = 2 if point == "inside-step" else 1
    assert effects.read_text().splitlines() == ["f:send"] * times
