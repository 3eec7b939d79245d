"""A workflow survives `kill -9` at every kind of moment: each effect once, every node on record once, totals right."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import httpx
import pytest

from interlock.sandbox import ProviderName, Sandbox, serve
from tests.domains.workflows.support import chain, node
from tests.support.following import ENDINGS, Events, of_type
from tests.support.process import ServerProcess, serving
from tests.support.story import CHARGE, CREDENTIALS, write_script

pytestmark = pytest.mark.journey


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A pretend outside world that outlives the server."""
    async with serve() as running:
        yield running


async def test_a_killed_workflow_goes_on_where_it_was(
    tmp_path: Path, database_url: str | None, sandbox: Sandbox
) -> None:
    """Killed after a model has answered, while people are asked, after a tool has acted, and inside a loop."""

    def story() -> None:
        with serving(tmp_path / "data", database_url) as server:
            run_id = _begin(server, sandbox, write_script(server.data_dir, "note", "Please refund."))
            seen = Events(server, run_id)
            for kind in ("node.started", "node.held"):
                seen.until(of_type(kind))
                server.kill()
                server.start()
            _approve(server)
            seen.until(of_type("tool.held"))
            server.kill()
            server.start()
            _approve(server)
            for _ in range(3):
                server.kill()
                server.start()
            seen.until(of_type(*ENDINGS))
            run = server.request("GET", f"/api/v1/runs/{run_id}").json()
            assert run["status"] == "completed", run
            assert run["output"] == {"value": ["a!", "b!", "c!"]}
            assert len(sandbox.state.effects_of(ProviderName.STRIPE)) == 1
            recorded = [found["node_id"] for found in run["nodes"]]
            assert sorted(recorded) == sorted(
                [
                    "draft",
                    "ask",
                    "refund",
                    "each",
                    "end",
                    *(f"each/{i}/{n}" for i in range(3) for n in ("rest", "mark")),
                ]
            )
            assert seen.numbers == list(range(1, len(seen.numbers) + 1))
            assert server.request("GET", "/api/ledger/verify").json()["valid"]

    await anyio.to_thread.run_sync(story)


def _begin(server: ServerProcess, sandbox: Sandbox, model: str) -> str:
    for integration, provider, credentials in CREDENTIALS:
        body = {"base_url": sandbox.url(ProviderName(provider)), "credentials": credentials}
        server.request("POST", f"/api/v1/integrations/{integration}/connect", body)
    nodes = [
        node("draft", "ai", model=model, prompt="Write a note."),
        node("ask", "gate", message="Refund?"),
        node("refund", "tool", tool="payments.create_refund", arguments={"charge_id": CHARGE, "amount_cents": 500}),
        node("each", "loop", items="trigger.items"),
        node("rest", "delay", seconds=0.05),
        node("mark", "transform", expression="item + '!'"),
        node("end", "output", value="{{ input.items }}"),
    ]
    edges = [*chain("draft", "ask:approved", "refund", "each:item", "rest", "mark"), *chain("each:done", "end")]
    made = server.request("POST", "/api/v1/workflows", {"name": "refunds", "nodes": nodes, "edges": edges})
    assert made.status_code == httpx.codes.OK, made.text
    path = f"/api/v1/workflows/{made.json()['id']}/run"
    started = server.request("POST", path, {"input_data": {"items": ["a", "b", "c"]}})
    return str(started.json()["run_id"])


def _approve(server: ServerProcess) -> None:
    (approval,) = server.request("GET", "/api/v1/approvals?status=pending").json()
    approved = server.request("POST", f"/api/v1/approvals/{approval['id']}/approve", {})
    assert approved.status_code == httpx.codes.OK, approved.text
