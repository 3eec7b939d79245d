"""`python -m interlock.sandbox`: serve the pretend providers until the process is told to stop."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from interlock.sandbox import ProviderName, serve


async def run(host: str, port: int, port_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM, after printing where."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(port, host) as sandbox:
        if port_file is not None:
            # Renamed into place so that a reader never sees half a number.
            part = port_file.with_name(port_file.name + ".part")
            part.write_text(sandbox.base_url.rpartition(":")[2])
            part.replace(port_file)
        lines = [f"sandbox  {sandbox.base_url}/_sandbox/ (pretend providers: nothing leaves this machine)"]
        lines += [f"{name.value:8} {sandbox.url(name)}" for name in ProviderName]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m interlock.sandbox", description="Serve the pretend providers.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument("--port-file", type=Path, help="where to write the port once it is open")
    options = parser.parse_args()
    asyncio.run(run(options.host, options.port, options.port_file))


if __name__ == "__main__":
    main()
