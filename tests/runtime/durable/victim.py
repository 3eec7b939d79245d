"""A server that kills itself with SIGKILL at a named point of flow `f`; kill tests run it in its own process."""

import asyncio
import os
import signal
from pathlib import Path

from interlock.runtime.context import Ctx
from interlock.runtime.durable import Flow, Json
from tests.runtime.durable.world import Backend, Registrar, mark, server

POINTS = (
    "before-start-commits",
    "after-start",
    "on-entry",
    "inside-transact",
    "after-transact",
    "inside-step",
    "after-step",
    "while-waiting",
    "before-return",
)


def journey(effects: Path, deadly: str = "") -> Registrar:
    """Register the flow that is killed; `deadly` names the point where it dies."""

    def reach(point: str) -> None:
        if point == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    async def run(flow: Flow, argument: Json) -> Json:
        reach("on-entry")

        async def one(ctx: Ctx) -> Json:
            await mark(flow.id, "one")(ctx)
            reach("inside-transact")
            return 1

        async def send(_ctx: Ctx) -> Json:
            with effects.open("a") as file:
                file.write(f"{flow.id}:send\n")
            reach("inside-step")
            return 2

        first = await flow.transact("one", one)
        reach("after-transact")
        second = await flow.step("send", send)
        reach("after-step")
        third = await flow.wait("go")
        await flow.transact("last", mark(flow.id, "last"))
        reach("before-return")
        return [first, second, third, argument]

    return lambda engine: engine.register("journey", run)


def main(backend: Backend, point: str) -> None:
    """Start the flow, and die."""
    asyncio.run(_serve(backend, point))


async def _serve(backend: Backend, point: str) -> None:
    async with server(backend, journey(backend.directory / "effects", point)) as world:
        async with world.ctx().begin() as inner:
            await world.engine.start(inner, "journey", "f", "x")
            if point == "before-start-commits":
                os.kill(os.getpid(), signal.SIGKILL)
        if point == "after-start":
            os.kill(os.getpid(), signal.SIGKILL)
        await world.waits("f")
        if point == "while-waiting":
            os.kill(os.getpid(), signal.SIGKILL)
        await world.signal("f", "go", 3)
        await world.ended("f")
