"""A governed tools/call with committed evidence over MCP, beside an ungoverned echo on the MCP SDK's own server."""

from benchmarks.figures import Figure, median
from benchmarks.load import Load
from benchmarks.processes import Server, load, request, scratch, serving
from benchmarks.rows.check_action import POLICIES, policy
from benchmarks.server import ARGUMENTS, READY, first_key

ROW = "MCP tools/call"
RATE_AIM = 1_000
CPU_AIM_MS = 1.0
_CONNECTIONS = 16
_ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
_TEXT = "It left our house this morning."


def run(seconds: float, repetitions: int) -> list[Figure]:
    """Interleave the governed call with the SDK's echo, at sixteen connections and at one."""
    with (
        scratch() as folder,
        serving("interlock", [*ARGUMENTS, str(folder / "data")], ready=READY) as server,
        serving("SDK echo", ["-m", "benchmarks.peers.mcp_echo", "{port}"]) as peer,
    ):
        key = {"x-api-key": first_key(folder / "data")}
        for number in range(POLICIES):
            server.call("POST", "/api/v1/policies", policy(number), key)
        client = server.call("POST", "/api/mcp/clients", {"name": "bench", "kind": "custom"}, key)
        bearer = {"Authorization": f"Bearer {client['bearer']}", **_ACCEPT}
        ours = [request(server, "POST", "/api/mcp", _call("interlock.echo"), bearer)]
        theirs = [request(peer, "POST", "/mcp", _call("echo"), _ACCEPT)]
        wide, narrow = [], []
        for _ in range(repetitions):
            wide.append((_load(server, ours, _CONNECTIONS, seconds), _load(peer, theirs, _CONNECTIONS, seconds)))
            narrow.append((_load(server, ours, 1, seconds), _load(peer, theirs, 1, seconds)))
    return _figures(wide, narrow)


def _figures(wide: list[tuple[Load, Load]], narrow: list[tuple[Load, Load]]) -> list[Figure]:
    peer = "ungoverned echo, MCP SDK"
    note = (
        f"MCP: {POLICIES} active policies; scope, policies, the call's row and its evidence committed around an echo."
    )
    return [
        Figure(
            ROW, f"calls, {_CONNECTIONS} connections", median([pair[0].rate for pair in wide]), "/s", RATE_AIM, True,
            peer, median([pair[1].rate for pair in wide]), 1.0, note=note,
        ),
        Figure(
            ROW, "CPU a call", median([pair[0].cpu_ms for pair in wide]), "ms", CPU_AIM_MS, False, peer,
            median([pair[1].cpu_ms for pair in wide]),
        ),
        Figure(
            ROW, "p50, one connection", median([pair[0].p50_ms for pair in narrow]), "ms", None, False, peer,
            median([pair[1].p50_ms for pair in narrow]),
        ),
    ]  # fmt: skip


def _call(tool: str) -> dict[str, object]:
    arguments = {"name": tool, "arguments": {"text": _TEXT}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments}


def _load(server: Server, requests: list[str], connections: int, seconds: float) -> Load:
    return load(server, requests, connections=connections, seconds=seconds, expect=_TEXT)
