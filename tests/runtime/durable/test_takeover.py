"""Several servers on one PostgreSQL: they share the flows, and those of a dead or lost server go on elsewhere."""

import asyncio
import json
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from interlock.runtime.context import Ctx
from interlock.runtime.durable import Flow, Json, dbos, servers
from interlock.runtime.durable.dbos import DbosDurable
from interlock.runtime.durable.engine import JournalEngine
from interlock.runtime.durable.journal import FlowState, flow_rows, step_rows
from tests.runtime.durable import peer
from tests.runtime.durable.test_kills import SPAWN
from tests.runtime.durable.world import PATIENCE, Backend, World, mark, reaches, server

pytestmark = pytest.mark.postgres
FLOWS = 30


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str) -> Backend:
    return Backend("dbos", tmp_path, postgres_url)


async def results(world: World) -> list[list[int]]:
    async with world.ctx().begin(write=False) as inner:
        rows = await (await inner.session()).execute(select(flow_rows.c.result))
        return [json.loads(result) for result in rows.scalars()]


async def test_two_servers_share_the_flows_and_one_finishes_alone_when_the_other_is_killed(shared: Backend) -> None:
    ready = SPAWN.Event()
    other = SPAWN.Process(target=peer.main, args=(shared, ready))
    async with server(shared, peer.register) as world:
        other.start()
        assert await asyncio.to_thread(ready.wait, PATIENCE)
        for number in range(FLOWS):
            await world.start("who", f"f{number}")
            await asyncio.sleep(0.05)  # spread over several polls, since a poll takes all there is
        await reaches(lambda: world.count(step_rows, key="one"), FLOWS)
        other.kill()
        await asyncio.to_thread(other.join, PATIENCE)
        assert other.exitcode == -signal.SIGKILL
        for number in range(FLOWS):
            await world.signal(f"f{number}", "go", None)
        await world.all_ended(FLOWS)
        for number in range(FLOWS):
            assert await world.texts(f"f{number}") == ["one", "two"]
        firsts, lasts = zip(*await results(world), strict=True)
        assert other.pid in firsts
        assert set(firsts) <= {os.getpid(), other.pid}
        assert set(lasts) == {os.getpid()}
        assert await world.count(servers.server_rows) == 1


async def test_a_server_that_was_given_up_leaves_its_flows_to_others_and_works_on(shared: Backend) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    passes: list[str] = []

    async def run(flow: Flow, _argument: Json) -> Json:
        passes.append(flow.id)

        async def slow(_ctx: Ctx) -> Json:
            inside.set()
            await go_on.wait()
            return "slow"

        await flow.transact("one", mark(flow.id, "one"))
        await flow.step("slow", slow)
        await flow.transact("two", mark(flow.id, "two"))

    def register(engine: JournalEngine) -> None:
        engine.register("run", run)

    async with server(shared, register) as world:
        engine = world.engine
        assert isinstance(engine, DbosDurable)
        await world.start("run", "f")
        await inside.wait()
        async with world.ctx().begin() as inner:
            await servers.leave(inner, engine.server)
        await reaches(lambda: asyncio.sleep(0, engine._term), 1)
        go_on.set()
        assert await world.ended("f") is FlowState.DONE
        assert await world.texts("f") == ["one", "two"]
        assert passes == ["f", "f"]
        await world.start("run", "g")
        assert await world.ended("g") is FlowState.DONE


async def test_the_queue_keeps_no_history(shared: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbos, "_KEEP_ENDED", timedelta(0))
    kept = text("SELECT count(*) FROM dbos.workflow_status")

    async with server(shared, peer.register) as world:

        async def rows() -> int:
            async with world.ctx().begin(write=False) as inner:
                number: int = (await (await inner.session()).execute(kept)).scalar_one()
                return number

        await world.start("who", "f")
        await world.waits("f")
        assert await rows() == 1
        await world.signal("f", "go", None)
        await world.ended("f")
        await reaches(rows, 0)
        await world.start("who", "f")
        assert await rows() == 0


async def test_of_two_servers_that_run_one_flow_only_one_makes_each_step(shared: Backend) -> None:
    both = asyncio.Barrier(2)
    entered: list[str] = []

    async def run(flow: Flow, _argument: Json) -> Json:
        entered.append(flow.id)

        async def together(ctx: Ctx) -> Json:
            await mark(flow.id, "made")(ctx)
            await both.wait()
            return len(entered)

        first = await flow.transact("together", together)
        return [first, await flow.wait("go"), await flow.transact("after", mark(flow.id, "after"))]

    def register(engine: JournalEngine) -> None:
        engine.register("run", run)

    async with server(shared, register) as world:
        zombie = Backend("postgres", shared.directory, shared.url)
        await world.start("run", "f")
        await reaches(lambda: asyncio.sleep(0, len(entered)), 1)
        async with server(zombie, register):
            await reaches(lambda: asyncio.sleep(0, len(entered)), 2)
            await world.waits("f")
            await world.signal("f", "go", "one signal")
            assert await world.ended("f") is FlowState.DONE
            assert await world.texts("f") == ["made", "after"]
            assert (await world.row("f")).result == '[2,"one signal","after"]'
