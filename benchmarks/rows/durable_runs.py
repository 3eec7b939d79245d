"""Durable flows of three steps on the embedded engine, beside the commits they cannot do without."""

import asyncio
import sqlite3
import time
from pathlib import Path

from benchmarks import durable
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
            bare.append(_bare(folder / "bare.db"))
    return [
        Figure(
            ROW, "three-step flows, one process", median(rates), "/s", RATE_AIM, True, "raw sqlite3, its commits alone",
            median(bare), cpu_ms=median(cpu), note=_NOTE,
        )
    ]  # fmt: skip


def _bare(path: Path) -> float:
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, flow TEXT, step TEXT, record TEXT)")
    began = time.perf_counter()
    for number in range(_FLOWS):
        for step in range(_COMMITS):
            database.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                database.execute(
                    "INSERT INTO records (flow, step, record) VALUES (?, ?, ?)",
                    (f"flow-{number}", f"note-{step}", '{"noted": true}'),
                )
            database.execute("COMMIT")
    return _FLOWS / (time.perf_counter() - began)
