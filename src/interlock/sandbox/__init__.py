"""A pretend outside world on one local port: the real wire formats of seven providers, for the demo and for tests."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from interlock.sandbox.app import build_app
from interlock.sandbox.faults import Fault, FaultKind, ProviderName
from interlock.sandbox.server import listening
from interlock.sandbox.state import Call, Effect, SandboxSettings, SandboxState

__all__ = [
    "Call",
    "Effect",
    "Fault",
    "FaultKind",
    "ProviderName",
    "Sandbox",
    "SandboxSettings",
    "SandboxState",
    "serve",
]


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    base_url: str
    state: SandboxState

    def url(self, provider: ProviderName) -> str:
        """The base URL that stands in for a provider's own host."""
        return f"{self.base_url}/{provider}"


@contextlib.asynccontextmanager
async def serve(port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Sandbox]:
    """Run the sandbox on this event loop while the block runs; port 0 picks a free one."""
    state = SandboxState()
    async with listening(build_app(state), host, port) as base_url:
        yield Sandbox(base_url, state)
