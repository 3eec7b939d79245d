"""Fake model providers on local ports, for gateway tests and benchmarks: `async with serve_openai() as fake`."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from interlock.sandbox.server import listening
from tests.fakes.anthropic_wire import AnthropicWire
from tests.fakes.gemini_wire import GeminiWire
from tests.fakes.openai_wire import OpenAIWire
from tests.fakes.provider import FakeProvider, Wire
from tests.fakes.script import DEFAULT_REPLY, Fault, FaultKind, Finish, Received, Reply, Script, ToolCall, Usage

__all__ = [
    "DEFAULT_REPLY",
    "FakeLLM",
    "Fault",
    "FaultKind",
    "Finish",
    "Received",
    "Reply",
    "Script",
    "ToolCall",
    "Usage",
    "serve_anthropic",
    "serve_gemini",
    "serve_openai",
]


@dataclass(frozen=True)
class FakeLLM:
    """A running fake: its base URL as the provider's own SDK wants it, and its script."""

    base_url: str
    script: Script


def serve_openai(port: int = 0, *, keep_requests: bool = True) -> AbstractAsyncContextManager[FakeLLM]:
    """An OpenAI-compatible fake; a benchmark passes keep_requests=False."""
    return _serve(OpenAIWire(), "/v1", port, keep_requests=keep_requests)


def serve_anthropic(port: int = 0, *, keep_requests: bool = True) -> AbstractAsyncContextManager[FakeLLM]:
    """An Anthropic fake."""
    return _serve(AnthropicWire(), "", port, keep_requests=keep_requests)


def serve_gemini(port: int = 0, *, keep_requests: bool = True) -> AbstractAsyncContextManager[FakeLLM]:
    """A Gemini fake."""
    return _serve(GeminiWire(), "", port, keep_requests=keep_requests)


@contextlib.asynccontextmanager
async def _serve(wire: Wire, suffix: str, port: int, *, keep_requests: bool) -> AsyncIterator[FakeLLM]:
    script = Script(keep_requests=keep_requests)
    async with listening(FakeProvider(wire, script), port=port) as root:
        yield FakeLLM(root + suffix, script)


SERVERS: dict[str, Callable[..., AbstractAsyncContextManager[FakeLLM]]] = {
    "openai": serve_openai,
    "anthropic": serve_anthropic,
    "gemini": serve_gemini,
}


async def run(provider: str, port: int, port_file: Path | None) -> None:
    """Serve the default reply until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with SERVERS[provider](port, keep_requests=False) as fake:
        if port_file is not None:
            part = port_file.with_name(port_file.name + ".part")
            part.write_text(fake.base_url.removesuffix("/v1").rpartition(":")[2])
            part.replace(port_file)
        sys.stdout.write(f"{fake.base_url}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """`python -m tests.fakes.llm openai --port 8099`."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.llm")
    parser.add_argument("provider", choices=sorted(SERVERS))
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument("--port-file", type=Path)
    options = parser.parse_args()
    uvloop.run(run(options.provider, options.port, options.port_file))


if __name__ == "__main__":
    main()
