"""Shows figures: a table for people, JSON for programs, and the machine they were taken on."""

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure

_VERDICTS = {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}


def machine() -> dict[str, Any]:
    """Where the figures come from; a busy machine shows as load."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def show(figures: Sequence[Figure], about: dict[str, Any], console: Console) -> None:
    """Print the table."""
    console.print("  ".join(f"{name} {value}" for name, value in about.items()), style="dim")
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for title, side in (
        ("row", "left"), ("figure", "left"), ("measured", "right"), ("aim", "right"), ("CPU each", "right"),
        ("ceiling or peer", "left"), ("its figure", "right"), ("ratio", "right"), ("aim", "right"), ("", "left"),
    ):  # fmt: skip
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=side == "right")
    before = ""
    for figure in figures:
        table.add_row(figure.row if figure.row != before else "", *_cells(figure), _VERDICTS[figure.met])
        before = figure.row
    console.print(table)
    for note in dict.fromkeys(figure.note for figure in figures if figure.note):
        console.print(f"* {note}", style="dim")


def _cells(figure: Figure) -> tuple[str, ...]:
    relation = "≥ " if figure.more_is_better else "≤ "
    aim = "" if figure.aim is None else relation + _number(figure.aim, figure.unit)
    aim_ratio = "" if figure.aim_ratio is None else f"{relation}{figure.aim_ratio:.2f}"
    beside = "" if figure.peer_value is None else _number(figure.peer_value, figure.unit)
    ratio = "" if figure.ratio is None else f"{figure.ratio:.3f}"
    cpu = "" if figure.cpu_ms is None else f"{figure.cpu_ms:.3f} ms"
    return figure.name, _number(figure.value, figure.unit), aim, cpu, figure.peer, beside, ratio, aim_ratio


def _number(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{shown}{unit}" if unit.startswith("/") else f"{shown} {unit}"


def as_json(figures: Sequence[Figure], about: dict[str, Any], seconds: float) -> str:
    """The figures for programs."""
    rows = [{**asdict(figure), "ratio": figure.ratio, "met": figure.met} for figure in figures]
    return json.dumps({"machine": about, "seconds": round(seconds, 1), "figures": rows}, indent=2, ensure_ascii=False)
