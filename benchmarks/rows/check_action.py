"""Verdicts of check-action under twenty active policies, beside a bare Starlette POST that commits one row."""

from benchmarks.figures import Figure, median
from benchmarks.load import Load
from benchmarks.processes import Server, load, request, scratch, serving
from benchmarks.server import ARGUMENTS, READY, first_key

ROW = "check-action"
RATE_AIM = 2_000
RATE_AIM_RATIO = 0.5
P99_AIM_MS = 5.0
POLICIES = 20
_CONNECTIONS = 16
_CHECK = {
    "tool": "comms.send_gmail",
    "action_type": "tool_call",
    "args": {"to": "customer@example.com", "subject": "Your order 1042", "body": "It left our house this morning."},
    "cost_estimate": 0,
    "agent_id": "support-bot",
}


def run(seconds: float, repetitions: int) -> list[Figure]:
    """Interleave the server with the bare one, at sixteen connections and at one."""
    with (
        scratch() as folder,
        serving("interlock", [*ARGUMENTS, str(folder / "data")], ready=READY) as server,
        serving("bare POST", ["-m", "benchmarks.peers.bare_post", "{port}", str(folder / "bare.db")]) as bare,
    ):
        key = {"x-api-key": first_key(folder / "data")}
        for number in range(POLICIES):
            server.call("POST", "/api/v1/policies", policy(number), key)
        ours = [request(server, "POST", "/api/v1/check-action", _CHECK, key)]
        theirs = [request(bare, "POST", "/check", _CHECK)]
        wide, narrow = [], []
        for _ in range(repetitions):
            wide.append((_load(server, ours, _CONNECTIONS, seconds), _load(bare, theirs, _CONNECTIONS, seconds)))
            narrow.append((_load(server, ours, 1, seconds), _load(bare, theirs, 1, seconds)))
    return _figures(wide, narrow)


def _figures(wide: list[tuple[Load, Load]], narrow: list[tuple[Load, Load]]) -> list[Figure]:
    peer = "bare Starlette POST, one row"
    note = f"check-action: {POLICIES} active policies, a fresh check each time, committed before the answer."
    return [
        Figure(
            ROW, f"verdicts, {_CONNECTIONS} connections", median([pair[0].rate for pair in wide]), "/s", RATE_AIM, True,
            peer, median([pair[1].rate for pair in wide]), RATE_AIM_RATIO, median([pair[0].cpu_ms for pair in wide]),
            note,
        ),
        Figure(
            ROW, "p50, one connection", median([pair[0].p50_ms for pair in narrow]), "ms", None, False, peer,
            median([pair[1].p50_ms for pair in narrow]),
        ),
        Figure(
            ROW, "p99, one connection", median([pair[0].p99_ms for pair in narrow]), "ms", P99_AIM_MS, False, peer,
            median([pair[1].p99_ms for pair in narrow]),
        ),
    ]  # fmt: skip


def _load(server: Server, requests: list[str], connections: int, seconds: float) -> Load:
    return load(server, requests, connections=connections, seconds=seconds, expect="authorized")


def policy(number: int) -> dict[str, object]:
    """Five kinds in turn; all look at mail, none objects to this one, so that each has to be judged."""
    kinds: tuple[dict[str, object], ...] = (
        {"type": "approval", "mode": "pause", "match": {"tools": ["billing.*"]}},
        {"type": "data_privacy", "mode": "block", "config": {"detect": ["card"]}},
        {"type": "compliance", "mode": "log", "config": {"controls": ["Art.14"], "framework": "EU AI Act"}},
        {"type": "content", "mode": "block", "config": {"deny": ["guaranteed returns"]}},
        {
            "type": "approval",
            "mode": "pause",
            "match": {"tools": ["comms"], "resources": {"to": [f"*@rival{number}.example"]}},
        },
    )
    return {"name": f"policy {number}", **kinds[number % len(kinds)]}
