"""The ceiling of durable work: its commits alone, on a bare SQLite connection."""

import sqlite3
import time
from pathlib import Path


def units_per_second(path: Path, *, units: int, commits: int) -> float:
    """How many units of work, each of so many commits of two rows, a bare connection makes per second."""
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, unit TEXT, step TEXT, record TEXT)")
    began = time.perf_counter()
    for number in range(units):
        for step in range(commits):
            database.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                database.execute(
                    "INSERT INTO records (unit, step, record) VALUES (?, ?, ?)",
                    (f"unit-{number}", f"step-{step}", '{"noted": true}'),
                )
            database.execute("COMMIT")
    return units / (time.perf_counter() - began)
