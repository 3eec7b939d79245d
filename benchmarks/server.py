"""A whole server for a benchmark: the real composition on uvloop, as `interlock serve` runs it, without limits."""

import asyncio
import sys
from pathlib import Path

import uvicorn
import uvloop

from interlock import main
from interlock.runtime.settings import Settings

UNLIMITED = 100_000_000
ARGUMENTS = ("-m", "benchmarks.server", "{port}")
READY = "/readyz"


async def _serve(port: int, data_dir: Path) -> None:
    settings = Settings.model_validate(
        {
            "data_dir": data_dir,
            "database_url": None,
            "port": port,
            "http_allow_private": "127.0.0.0/8",
            "rate_limit_per_minute": UNLIMITED,
            "embed_rate_limit_per_minute": UNLIMITED,
        }
    )
    async with main.running(settings) as runtime:
        await main.first_key(runtime)
        config = uvicorn.Config(
            main.create_app(runtime), port=port, http="httptools", ws="none", lifespan="on", access_log=False,
            log_level="warning", server_header=False,
        )  # fmt: skip
        await uvicorn.Server(config).serve()


def first_key(data_dir: Path) -> str:
    """The key of a server that was started on a fresh data directory."""
    return (data_dir / main.FIRST_KEY_FILE).read_text().strip()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
