"""Durable flows of three steps on the embedded engine, beside the commits they cannot do without."""

import asyncio

from benchmarks import durable
from benchmarks.bare import units_per_second
from benchmarks.figures import Figure, median
from benchmarks.processes import scratch

ROW = "durable runs"
RATE_AIM = 300
_FLOWS = 300
_COMMITS = 5
_NOTE = f"Durable: a flow is started, does three steps and ends; its ceiling is {_COMMITS} commits of two rows each."


def run(_seconds: float, repetitions: int) -> list[Figure]:
    """Interleave the engine with bare commits."""
    rates, cpu, bare = [], [], []
    for _ in range(repetitions):
        measured = asyncio.run(durable.measure(flows=_FLOWS))
        rates.append(measured["flows_per_second"])
        cpu.append(measured["cpu_milliseconds_per_flow"])
        with scratch() as folder:
            bare.append(units_per_second(folder / "bare.db", units=_FLOWS, commits=_COMMITS))
    return [
        Figure(
            ROW, "three-step flows, one process", median(rates), "/s", RATE_AIM, True, "raw sqlite3, its commits alone",
            median(bare), cpu_ms=median(cpu), note=_NOTE,
        )
    ]  # fmt: skip
