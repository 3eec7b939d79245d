"""The demo's surroundings: a real server and the pretend providers, on a loop of their own, reached over HTTP only."""

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import uvloop

from interlock.faces.cli import serving
from interlock.faces.cli.composition import Composition
from interlock.faces.cli.serving import Listener, Started
from interlock.sandbox import serve as serve_sandbox


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where things are."""

    server: Started
    sandbox_url: str


class World:
    """A server and its outside world while the block runs."""

    def __init__(self, composition: Composition, listener: Listener) -> None:
        self._composition = composition
        self._listener = listener
        self._ready: Future[Addresses] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        # A second Ctrl-C while it stops must be able to end the process.
        self._thread = threading.Thread(target=self._run, name="demo-world", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def addresses(self) -> Addresses:
        """Wait until everything answers.

        Raises:
            InterlockError: the server refused to start.
        """
        return self._ready.result()

    def serve_on(self) -> None:
        """Wait until the server ends, or this thread is interrupted."""
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._main())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with serve_sandbox() as sandbox:
            url = sandbox.base_url
            await serving.serve(
                self._composition,
                self._listener,
                self._stop,
                lambda started: self._ready.set_result(Addresses(started, url)),
            )
