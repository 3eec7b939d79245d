"""What `interlock mcp` does, for a test's client to start: MCP on stdin and stdout, beside the test's server."""

import asyncio
import os
import sys

from interlock import main
from interlock.faces.mcp import stdio
from interlock.runtime.settings import Settings


async def _serve() -> None:
    runtime = main.build_runtime(Settings(), "server-of-tests")
    try:
        await stdio.serve(runtime, os.environ["INTERLOCK_MCP_TOKEN"])
    finally:
        await runtime.http.close()
        await runtime.database.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(_serve()))
