"""A whole server for a benchmark: the real composition on uvloop, as `interlock serve` runs it, without limits."""

import asyncio
import sys
from pathlib import Path

import uvicorn
import uvloop

from interlock import main
from interlock.domains.accounts.service.identify import identify
from interlock.domains.llm import service as llm
from interlock.domains.llm.views import ProviderKind
from interlock.domains.tools.builtin import ECHO, catalogue_of
from interlock.runtime.context import Runtime
from interlock.runtime.invoke import invoke
from interlock.runtime.settings import Settings

UNLIMITED = 100_000_000
ARGUMENTS = ("-m", "benchmarks.server", "{port}")
READY = "/readyz"
UPSTREAM_KEY = "sk-upstream-of-the-benchmark"


async def _serve(port: int, data_dir: Path, upstream: str | None) -> None:
    settings = Settings.model_validate(
        {
            "data_dir": data_dir,
            "database_url": None,
            "port": port,
            "http_allow_private": "127.0.0.0/8",
            "rate_limit_per_minute": UNLIMITED,
            "embed_rate_limit_per_minute": UNLIMITED,
            "hook_rate_limit_per_minute": UNLIMITED,
        }
    )
    async with main.running(settings) as runtime:
        catalogue_of(runtime).add(ECHO)
        await main.first_key(runtime)
        if upstream is not None:
            await _add_provider(runtime, upstream)
        config = uvicorn.Config(
            main.create_app(runtime), port=port, http="httptools", ws="none", lifespan="on", access_log=False,
            log_level="warning", server_header=False, proxy_headers=False,
        )  # fmt: skip
        await uvicorn.Server(config).serve()


async def _add_provider(runtime: Runtime, base_url: str) -> None:
    """A provider of the workspace that speaks OpenAI's wire, with OpenAI's list prices."""
    ctx = await identify(runtime, first_key(runtime.settings.data_dir), request_id="bench", face="bench")
    command = llm.CreateProvider.model_validate(
        {"name": "upstream", "kind": ProviderKind.OPENAI, "base_url": base_url, "credential": UPSTREAM_KEY}
    )
    await invoke(ctx, llm.create_provider, command)


def first_key(data_dir: Path) -> str:
    """The key of a server that was started on a fresh data directory."""
    return (data_dir / main.FIRST_KEY_FILE).read_text().strip()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
