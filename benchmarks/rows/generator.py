"""The load generator against a socket that answers without reading: what no server here can exceed."""

from benchmarks.figures import Figure, median
from benchmarks.processes import load, request, serving

ROW = "load generator"


def run(seconds: float, repetitions: int) -> list[Figure]:
    """Measure the generator's own ceiling."""
    with serving("raw socket", ["-m", "benchmarks.peers.raw_http", "{port}"]) as raw:
        body = [request(raw, "POST", "/", {"tool": "mail.send", "args": {"to": "a@example.com"}})]
        wide = [load(raw, body, connections=16, seconds=seconds / 2) for _ in range(repetitions)]
    return [
        Figure(
            ROW, "requests, 16 connections", median([sample.rate for sample in wide]), "/s",
            note="A server's rate far below the load generator's is the server's own.",
        )
    ]  # fmt: skip
