"""From nothing to a server that takes work, and what it holds in memory while nobody asks it anything."""

import time

from benchmarks.figures import Figure, median
from benchmarks.processes import scratch, serving
from benchmarks.server import ARGUMENTS, READY

ROW = "start"
READY_AIM_SECONDS = 2.0
MEMORY_AIM_MB = 150.0
_SETTLE_SECONDS = 0.5
_NOTE = "Start: Python compiled to bytecode beforehand, as on every start of an installed program but the first."


def run(_seconds: float, repetitions: int) -> list[Figure]:
    """Start on a fresh data directory, then again on the same one, beside a bare Starlette server's start."""
    first, again, bare, cpu, memory, bare_memory = [], [], [], [], [], []
    for repetition in range(-1, repetitions):
        with scratch() as folder:
            arguments = [*ARGUMENTS, str(folder / "data")]
            with serving("interlock", arguments, ready=READY) as server:
                first.append(server.ready_seconds)
            if repetition < 0:  # the very first start compiles Python
                first.clear()
                continue
            with serving("interlock", arguments, ready=READY) as server:
                again.append(server.ready_seconds)
                cpu.append(server.cpu_seconds() * 1000)
                time.sleep(_SETTLE_SECONDS)
                memory.append(server.resident_mb())
            peer = ["-m", "benchmarks.peers.bare_post", "{port}", str(folder / "bare.db")]
            with serving("bare Starlette", peer) as server:
                bare.append(server.ready_seconds)
                bare_memory.append(server.resident_mb())
    ceiling = "bare Starlette, uvicorn, pydantic"
    return [
        Figure(ROW, "first start to ready", median(first), "s", READY_AIM_SECONDS, False, ceiling, median(bare)),
        Figure(
            ROW,
            "start to ready",
            median(again),
            "s",
            READY_AIM_SECONDS,
            False,
            ceiling,
            median(bare),
            cpu_ms=median(cpu),
            note=_NOTE,
        ),
        Figure(ROW, "memory when idle", median(memory), "MB", MEMORY_AIM_MB, False, ceiling, median(bare_memory)),
    ]
