"""A second server in a process of its own, for tests of several servers on one database."""

import asyncio
import os
from multiprocessing.synchronize import Event

from interlock.runtime.context import Ctx
from interlock.runtime.durable import Flow, Json
from interlock.runtime.durable.engine import JournalEngine
from tests.runtime.durable.world import Backend, mark, server


def register(engine: JournalEngine) -> None:
    """The flow that tells which process ran its first and its last step."""

    async def run(flow: Flow, _argument: Json) -> Json:
        async def who(_ctx: Ctx) -> Json:
            return os.getpid()

        first = await flow.step("first", who)
        await flow.transact("one", mark(flow.id, "one"))
        await flow.wait("go")
        await flow.transact("two", mark(flow.id, "two"))
        return [first, await flow.step("last", who)]

    engine.register("who", run)


def main(backend: Backend, ready: Event) -> None:
    """Serve until killed."""
    asyncio.run(_serve(backend, ready))


async def _serve(backend: Backend, ready: Event) -> None:
    async with server(backend, register):
        ready.set()
        await asyncio.Event().wait()
