"""`python -m benchmarks`: every row in one run, as a table; `--json out.json` for programs, `--only name` for some."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import report
from benchmarks.figures import Figure
from benchmarks.processes import BenchmarkError
from benchmarks.rows import (
    chat,
    check_action,
    dashboard,
    data_layer,
    durable_runs,
    generator,
    mcp_call,
    memory,
    start,
    workflows,
)

Run = Callable[[float, int], list[Figure]]

ROWS: dict[str, Run] = {
    "generator": generator.run,
    "data": data_layer.run,
    "check": check_action.run,
    "mcp": mcp_call.run,
    "chat": chat.run,
    "durable": durable_runs.run,
    "workflows": workflows.run,
    "memory": memory.run,
    "dashboard": dashboard.run,
    "start": start.run,
}


def main() -> int:
    """Measure, print, and tell by the exit code whether every row could be measured (a missed aim is no failure)."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 170)
    about, began = report.machine(), time.perf_counter()
    figures: list[Figure] = []
    broken = 0
    for name in options.only or ROWS:
        with console.status(f"measuring {name}"):
            try:
                figures += ROWS[name](options.seconds, options.repetitions)
            except BenchmarkError as error:
                broken += 1
                console.print(f"{name}: {error}", *getattr(error, "__notes__", ()), style="red", markup=False)
    seconds = time.perf_counter() - began
    report.show(figures, about, console)
    console.print(f"{seconds:.0f} s in all", style="dim")
    if options.json is not None:
        options.json.write_text(report.as_json(figures, about, seconds))
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the server beside its ceilings.")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="a row to measure; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--seconds", type=float, default=1.5, help="of load per repetition")
    parser.add_argument("--repetitions", type=int, default=3, help="of every measurement; medians are shown")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
