"""Serves HTTP on a socket that is bound before anything else starts, until it is told to stop."""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from interlock.faces.cli.composition import Composition
from interlock.kit.errors import InterlockError, Kind, conflict, invalid
from interlock.runtime import data_dir
from interlock.runtime.settings import Settings

_BACKLOG = 2048
_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket, and the settings that name its real port."""

    settings: Settings
    socket: socket.socket


@dataclass(frozen=True, slots=True)
class Started:
    """A server that answers.

    Args:
        first_key: the key of a first start, else None.
        setup_code: with which the owner chooses a password in the dashboard; None once that is done.
    """

    settings: Settings
    first_key: str | None
    setup_code: str | None = None

    @property
    def dashboard(self) -> str:
        """The address to open in a browser."""
        url = self.settings.base_url
        return url if self.setup_code is None else f"{url}/start?code={self.setup_code}"


def listen(settings: Settings) -> Listener:
    """Bind the server's address; port 0 picks a free one.

    Raises:
        InterlockError: CONFLICT when another server holds the data directory or another program the port, else what is
            wrong with the address.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        bound = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise _unbindable(settings, error) from error
    bound.setblocking(False)
    return Listener(settings.model_copy(update={"port": bound.getsockname()[1]}), bound)


def _unbindable(settings: Settings, error: OSError) -> InterlockError:
    address = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        # The usual reason is this very server started twice: then the data directory is the better answer.
        with data_dir.held(settings):
            return conflict(
                f"Another program listens on {address}.",
                code="port_in_use",
                hint="Stop it, or choose another --port (0 picks a free one).",
            )
    if error.errno == errno.EACCES:
        return InterlockError(
            Kind.FORBIDDEN, f"This user may not listen on {address}.", hint="Choose a --port above 1023."
        )
    return invalid(
        f"Cannot listen on {address}: {error.strerror or error}.",
        field="host",
        hint="Give an address of this machine, such as 127.0.0.1 or 0.0.0.0.",
    )


async def serve(
    composition: Composition, listener: Listener, stop: asyncio.Event, announce: Callable[[Started], None]
) -> None:
    """Run a whole server until `stop` is set; answers what is under way, then ends."""
    settings = listener.settings
    with listener.socket:
        async with composition.running(settings) as runtime:
            key = await composition.first_key(runtime)
            started = Started(settings, key, await composition.setup_code(runtime))
            server = _Server(composition.create_app(runtime), lambda: announce(started))
            stopping = asyncio.create_task(server.stop_after(stop))
            try:
                await server.serve(sockets=[listener.socket])
            finally:
                stopping.cancel()


async def serve_until_signalled(
    composition: Composition, listener: Listener, announce: Callable[[Started], None]
) -> None:
    """Run a whole server until SIGINT or SIGTERM."""
    with signalled() as stop:
        await serve(composition, listener, stop, announce)


@contextlib.contextmanager
def signalled() -> Generator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; afterwards they do again what they did before."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals, telling when it answers."""

    def __init__(self, app: ASGIApp, announce: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                # Forwarded addresses are ours to judge (INTERLOCK_TRUSTED_PROXIES); uvicorn believes any local caller.
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def stop_after(self, stop: asyncio.Event) -> None:
        """End gracefully once asked to."""
        await stop.wait()
        self.should_exit = True
