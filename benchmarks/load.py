"""The load generator, a process of its own, far cheaper than any server: `python -m benchmarks.load < plan`.

Each connection sends its next request when the last answer is complete (closed loop, no pipelining).
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import uvloop

from benchmarks.figures import percentile

_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, how widely and for how long.

    Args:
        requests: complete HTTP/1.1 requests as latin-1 text, sent in turn.
        expect: bytes (as text) that every answer must contain, besides status 200; empty for no check.
        pid: process whose CPU time is measured meanwhile; 0 for none.
    """

    port: int
    requests: tuple[str, ...]
    expect: str
    connections: int
    seconds: float
    warmup: float
    pid: int


@dataclass(frozen=True, slots=True)
class Load:
    """What came back."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float
    server_cpu_seconds: float
    own_cpu_seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Server CPU per answer, in milliseconds."""
        return self.server_cpu_seconds / self.answers * 1000


class _Tally:
    """What all connections of a run share."""

    def __init__(self, plan: Plan) -> None:
        self.requests = tuple(text.encode("latin-1") for text in plan.requests)
        self.expect = plan.expect.encode("latin-1")
        self.turn = 0
        self.counting = False
        self.stopped = False
        self.times: list[float] = []
        self.failure: str | None = None
        self.done = asyncio.Event()

    def next_request(self) -> bytes:
        self.turn = (self.turn + 1) % len(self.requests)
        return self.requests[self.turn]

    def fail(self, why: str) -> None:
        self.failure = self.failure or why
        self.stopped = True
        self.done.set()


class _Connection(asyncio.Protocol):
    def __init__(self, tally: _Tally) -> None:
        self._tally = tally
        self._buffer = b""
        self._sent = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not _complete(self._buffer):
            return
        answer, self._buffer = self._buffer, b""
        now = time.perf_counter()
        tally = self._tally
        if answer[9:12] != b"200" or (tally.expect and tally.expect not in answer):
            tally.fail(answer[:2000].decode("latin-1"))
            return
        if tally.counting:
            tally.times.append(now - self._sent)
        if not tally.stopped:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._tally.stopped:
            self._tally.fail(f"the server closed a connection: {exc}")

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._tally.next_request())


def _complete(buffer: bytes) -> bool:
    head = buffer.find(_END)
    if head < 0:
        return False
    headers = buffer[:head].lower()
    at = headers.find(b"content-length:")
    if at >= 0:
        end = headers.find(b"\r\n", at)
        length = int(headers[at + 15 : end if end >= 0 else head])
        return len(buffer) >= head + 4 + length
    return buffer.endswith(b"0\r\n\r\n")


async def _run(plan: Plan) -> Load:
    loop = asyncio.get_running_loop()
    tally = _Tally(plan)
    made = [
        await loop.create_connection(lambda: _Connection(tally), "127.0.0.1", plan.port)
        for _ in range(plan.connections)
    ]
    await _pass(tally, plan.warmup)
    server = psutil.Process(plan.pid) if plan.pid else None
    cpu_before, own_before = _cpu(server), time.process_time()
    tally.counting, begun = True, time.perf_counter()
    await _pass(tally, plan.seconds)
    tally.counting, elapsed = False, time.perf_counter() - begun
    cpu, own = _cpu(server) - cpu_before, time.process_time() - own_before
    tally.stopped = True
    for _, connection in made:
        connection.close()
    if tally.failure is not None:
        raise SystemExit(f"unexpected answer: {tally.failure}")
    ordered = sorted(tally.times)
    if not ordered:
        raise SystemExit("no answer came in the measured time")
    return Load(len(ordered), elapsed, percentile(ordered, 0.5) * 1000, percentile(ordered, 0.99) * 1000, cpu, own)


async def _pass(tally: _Tally, seconds: float) -> None:
    try:
        await asyncio.wait_for(tally.done.wait(), seconds)
    except TimeoutError:
        return


def _cpu(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Read a plan as JSON, carry it out, write what came back as JSON."""
    values = json.load(sys.stdin)
    values["requests"] = tuple(values["requests"])
    print(json.dumps(asdict(uvloop.run(_run(Plan(**values))))))


if __name__ == "__main__":
    main()
