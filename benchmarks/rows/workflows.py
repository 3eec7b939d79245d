"""Workflows: a hook that answers with its run's output, runs of three durable steps, and a long history behind them."""

import asyncio
import subprocess

from benchmarks.bare import units_per_second
from benchmarks.figures import Figure, median
from benchmarks.load import Load
from benchmarks.processes import Server, load, request, scratch, serving
from benchmarks.server import ARGUMENTS, READY, first_key
from benchmarks.workflows import DATA, THREE_STEPS, TRANSFORM, Pass, benched
from tests.support import postgres

ROW = "workflows"
HOOK_AIM = 300
STEPS_AIM = 200
HISTORY_AIM = 1.2
HISTORY = 100_000
_CONNECTIONS = 16
_SLUG = "bench"
_RUNS = 150
_COMMITS = 9  # the start; before and in each of three steps; the run's end and its flow's
_NOTE = (
    "Hook: POST -> transform -> output; run, steps and events are committed before the answer. Three steps: each "
    f"exactly once, on record before and after; its ceiling is {_COMMITS} commits of two rows each. Stored runs: with "
    "their steps, events and flows. PostgreSQL: on this machine, without fsync."
)


def run(seconds: float, repetitions: int) -> list[Figure]:
    """The hook over HTTP beside a bare POST; then runs in this process on either database."""
    pairs = asyncio.run(_in_process(repetitions))
    fresh, laden = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [
        _hook(seconds, repetitions),
        Figure(
            ROW, "three-step runs, one process", median([each.runs_per_second for each in fresh]), "/s", STEPS_AIM,
            True, "raw sqlite3, its commits alone", median([_bare() for _ in range(repetitions)]),
            cpu_ms=median([each.cpu_ms for each in fresh]),
        ),
        *_on_postgres(),
        Figure(
            ROW, f"CPU of a run, {HISTORY:,} stored", median([each.cpu_ms for each in laden]), "ms", None, False,
            "the same, none stored", median([each.cpu_ms for each in fresh]), HISTORY_AIM,
        ),
    ]  # fmt: skip


def _hook(seconds: float, repetitions: int) -> Figure:
    with (
        scratch() as folder,
        serving("interlock", [*ARGUMENTS, str(folder / "data")], ready=READY) as server,
        serving("bare hook", ["-m", "benchmarks.peers.bare_hook", "{port}", str(folder / "bare.db")]) as bare,
    ):
        _prepare(server, {"x-api-key": first_key(folder / "data")})
        pairs = [(_load(server, seconds), _load(bare, seconds)) for _ in range(repetitions)]
    return Figure(
        ROW, f"hook answered, {_CONNECTIONS} connections", median([ours.rate for ours, _ in pairs]), "/s", HOOK_AIM,
        True, "bare Starlette POST, one row", median([theirs.rate for _, theirs in pairs]),
        cpu_ms=median([ours.cpu_ms for ours, _ in pairs]), note=_NOTE,
    )  # fmt: skip


def _prepare(server: Server, key: dict[str, str]) -> None:
    made = server.call("POST", "/api/v1/workflows", {"name": "answer", **TRANSFORM}, key)
    server.call("PATCH", f"/api/v1/workflows/{made['id']}", {"status": "published"}, key)
    hook = {"workflow_id": made["id"], "slug": _SLUG, "secret": None, "respond": True}
    server.call("POST", "/api/v1/hooks", hook, key)


def _load(server: Server, seconds: float) -> Load:
    sent = [request(server, "POST", f"/hooks/{_SLUG}", DATA)]
    return load(server, sent, connections=_CONNECTIONS, seconds=seconds, expect='"status":"completed"')


async def _in_process(repetitions: int) -> list[tuple[Pass, Pass]]:
    """A fresh server and one with a long history, in turns."""
    async with benched(THREE_STEPS) as fresh, benched(THREE_STEPS) as laden:
        laden.store(HISTORY)
        for bench in (fresh, laden):
            await bench.measure(_RUNS)  # what is built at first use
        return [(await fresh.measure(_RUNS), await laden.measure(_RUNS)) for _ in range(repetitions)]


def _on_postgres() -> list[Figure]:
    with scratch() as folder:
        try:
            server = postgres.ensure_server(folder)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            note = f"PostgreSQL did not start here, so that nothing was measured on it: {error}"
            return [Figure(ROW, "three-step runs, PostgreSQL", 0, "/s", note=note)]
        try:
            measured = asyncio.run(_postgres_pass(server.url(server.create_database())))
        finally:
            postgres.stop_server(folder)
            folder.mkdir(exist_ok=True)  # the block removes it once more
    return [
        Figure(ROW, "three-step runs, PostgreSQL", measured.runs_per_second, "/s", cpu_ms=measured.cpu_ms),
    ]


async def _postgres_pass(url: str) -> Pass:
    async with benched(THREE_STEPS, postgres_url=url) as bench:
        return await bench.measure(_RUNS)


def _bare() -> float:
    with scratch() as folder:
        return units_per_second(folder / "bare.db", units=_RUNS, commits=_COMMITS)
