"""What runs in the background of a server for webhooks: the courier, and the writing of counts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from interlock.domains.webhooks.courier import courier_of
from interlock.domains.webhooks.tally import tally_of
from interlock.runtime.context import Runtime


@contextlib.asynccontextmanager
async def at_work(runtime: Runtime) -> AsyncIterator[None]:
    """Both at work until the block ends; what was counted is written by then."""
    courier, tally = courier_of(runtime), tally_of(runtime)
    tasks = [
        asyncio.create_task(courier.run(runtime), name="webhook courier"),
        asyncio.create_task(tally.run(runtime), name="webhook tally"),
    ]
    try:
        yield
    finally:
        tally.stop()
        await courier.stop()
        await asyncio.gather(*tasks)
