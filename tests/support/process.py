"""A real server process that tests start, kill without warning, and start again on the same data."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.app import LOOPBACK, MASTER_KEY
from tests.support.ports import free_port

START_SECONDS = 120
# To this machine without encryption: reading the certificates of the world costs more than the request.
DIRECT: Any = {"trust_env": False, "verify": False}
ROOT = Path(__file__).parents[2]


@dataclass
class ServerProcess:
    """`interlock serve` as a child process."""

    data_dir: Path
    database_url: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The first key it wrote."""
        return (self.data_dir / "first-key").read_text().strip()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "interlock", "serve"]
        command += ["--port", str(self.port), "--data-dir", str(self.data_dir)]
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")},
            "PYTHONPATH": str(ROOT / "src"),
            "INTERLOCK_MASTER_KEY": MASTER_KEY,
            "INTERLOCK_HTTP_ALLOW_PRIVATE": LOOPBACK,
            "INTERLOCK_RATE_LIMIT_PER_MINUTE": "100000",
            "INTERLOCK_LOCAL_MODEL_THREADS": "1",
            **({"INTERLOCK_DATABASE_URL": self.database_url} if self.database_url else {}),
            **self.environment,
        }
        with (self.data_dir.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it as an operator would; returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=30)

    def log(self) -> str:
        """All it has written."""
        return (self.data_dir.parent / "server.log").read_text(errors="replace")

    def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request with the first key."""
        return httpx.request(
            method, self.base_url + path, json=body, headers={"x-api-key": self.key}, timeout=60, **DIRECT
        )

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/readyz", timeout=2, **DIRECT).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def serving(data_dir: Path, database_url: str | None, **environment: str) -> Iterator[ServerProcess]:
    """A started server that is ended whatever the test does to it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = ServerProcess(data_dir, database_url, environment)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait()
