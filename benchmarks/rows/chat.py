"""A chat completion through the gateway, budgets on, beside the same request to the upstream directly."""

from benchmarks.figures import Figure, median
from benchmarks.load import Load
from benchmarks.processes import Server, load, request, scratch, serving
from benchmarks.server import ARGUMENTS, READY, UPSTREAM_KEY, first_key

ROW = "chat completions"
RATE_AIM = 500
ADDED_AIM_MS = 2.0
_CONNECTIONS = 16
_MODEL = "gpt-4o-mini"
_CHAT = {
    "model": _MODEL,
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is order 1042?"}],
}


def run(seconds: float, repetitions: int) -> list[Figure]:
    """Interleave the gateway with its upstream, at sixteen connections and at one."""
    with (
        scratch() as folder,
        serving("upstream", ["-m", "tests.fakes.llm", "openai", "--port", "{port}"]) as upstream,
        serving(
            "interlock", [*ARGUMENTS, str(folder / "data"), f"http://127.0.0.1:{upstream.port}/v1"], ready=READY
        ) as server,
    ):
        key = first_key(folder / "data")
        server.call("PATCH", "/api/v1/budget", {"monthly_cap": 1_000_000, "daily_cap": 100_000}, {"x-api-key": key})
        ours = [request(server, "POST", "/v1/chat/completions", _CHAT, {"Authorization": f"Bearer {key}"})]
        theirs = [request(upstream, "POST", "/v1/chat/completions", _CHAT, {"Authorization": f"Bearer {UPSTREAM_KEY}"})]
        wide, narrow = [], []
        for _ in range(repetitions):
            wide.append(
                (_load(server, ours, _CONNECTIONS, seconds), _load(upstream, theirs, _CONNECTIONS, seconds / 2))
            )
            narrow.append((_load(server, ours, 1, seconds), _load(upstream, theirs, 1, seconds / 2)))
    return _figures(wide, narrow)


def _figures(wide: list[tuple[Load, Load]], narrow: list[tuple[Load, Load]]) -> list[Figure]:
    note = "Chat: monthly and daily caps set, so that money is reserved before and settled after each call."
    peer = "the upstream directly"
    direct = median([pair[1].p50_ms for pair in narrow])
    added = median([pair[0].p50_ms - pair[1].p50_ms for pair in narrow])
    return [
        Figure(
            ROW, f"completions, {_CONNECTIONS} connections", median([pair[0].rate for pair in wide]), "/s", RATE_AIM,
            True, peer, median([pair[1].rate for pair in wide]), None, median([pair[0].cpu_ms for pair in wide]), note,
        ),
        Figure(ROW, "added p50, one connection", added, "ms", ADDED_AIM_MS, False, peer, direct),
    ]  # fmt: skip


def _load(server: Server, requests: list[str], connections: int, seconds: float) -> Load:
    return load(server, requests, connections=connections, seconds=seconds, expect="chat.completion")
