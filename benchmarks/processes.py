"""Servers and load generators as processes of their own, on free loopback ports."""

import atexit
import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from benchmarks.load import Load, Plan

_START_SECONDS = 60.0
_POLL_SECONDS = 0.005
_STOP_SECONDS = 15.0


class BenchmarkError(Exception):
    """A measurement could not be taken."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server process that answers on a port."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    ready_seconds: float

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def resident_mb(self) -> float:
        """Memory it holds for itself or shares, in megabytes."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def cpu_seconds(self) -> float:
        """CPU it has used since it was started."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """One JSON request, for preparing a benchmark."""
        request = urllib.request.Request(  # always http on loopback
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json", **(headers or {})},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 # as above
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise BenchmarkError(f"{self.name}: {method} {path}: {error.code} {error.read()[:2000]!r}") from error


@functools.cache
def _environment() -> dict[str, str]:
    """This environment, with bytecode kept for the length of the run, as an installed program has it."""
    bytecode = tempfile.TemporaryDirectory(prefix="interlock-bench-bytecode-")
    atexit.register(bytecode.cleanup)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    mine.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**mine, "PYTHONPYCACHEPREFIX": bytecode.name}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def serving(
    name: str, arguments: Sequence[str], *, ready: str = "/", environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run `python <arguments>` with `{port}` filled in until the block ends.

    Args:
        ready: path that must answer 200 before the block begins; for `/` any answer will do.
    """
    port = free_port()
    command = [sys.executable, *(part.replace("{port}", str(port)) for part in arguments)]
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**_environment(), **(environment or {})}
        )
        try:
            _await_ready(name, process, port, ready, output)
            yield Server(name, port, process, time.perf_counter() - began)
        except BenchmarkError as error:
            error.add_note(f"{name} said: {_tail(output)}")
            raise
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(name: str, process: subprocess.Popen[bytes], port: int, path: str, output: IO[bytes]) -> None:
    deadline = time.perf_counter() + _START_SECONDS
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise BenchmarkError(f"{name} ended with code {process.returncode}: {_tail(output)}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.sendall(request)
            if peer.recv(64).startswith(b"HTTP/1.1 " if path == "/" else b"HTTP/1.1 200 "):
                return
        time.sleep(_POLL_SECONDS)
    raise BenchmarkError(f"{name} was not ready within {_START_SECONDS:.0f} s")


def _tail(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read()[-4000:].decode(errors="replace")


def request(server: Server, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> str:
    """A complete HTTP/1.1 request as the load generator sends it."""
    content = "" if body is None else json.dumps(body)
    lines = {"Host": f"127.0.0.1:{server.port}", "Content-Type": "application/json", **(headers or {})}
    lines["Content-Length"] = str(len(content))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n{content}"


def load(
    server: Server, requests: Sequence[str], *, connections: int, seconds: float, expect: str = "", warmup: float = 0.3
) -> Load:
    """Load a server for a while from a process of its own."""
    plan = Plan(server.port, tuple(requests), expect, connections, seconds, warmup, server.pid)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(plan)).encode(),
        env=_environment(),
        capture_output=True,
        timeout=seconds + warmup + 30,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"{server.name}: {done.stderr.decode(errors='replace')[-2000:]}")
    return Load(**json.loads(done.stdout))


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        yield Path(folder)
