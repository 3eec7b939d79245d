"""`kill -9` at any moment, then a restart: the run goes on, no finished call is repeated, events have no gap."""

import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import anyio.to_thread
import httpx
import pytest

from interlock.sandbox import Fault, FaultKind, ProviderName, Sandbox, serve
from tests.support.following import ENDINGS, Events, of_type
from tests.support.process import ServerProcess, serving
from tests.support.story import CHARGE, CREDENTIALS, REFUND_DESK

pytestmark = pytest.mark.journey

PATIENCE_SECONDS = 150
TASK = {"task": "Handle this message.", "message": f"Refund {CHARGE} please. ORDER NW-10482"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A pretend outside world that outlives the server."""
    async with serve() as running:
        yield running


async def test_a_killed_server_goes_on_where_it_was(tmp_path: Path, database_url: str | None, sandbox: Sandbox) -> None:
    """Killed while it asks the model, after a provider was called, while it waits, and right after the approval."""

    def story() -> None:
        with serving(tmp_path / "data", database_url) as server:
            run_id = _begin(server, sandbox)
            seen = Events(server, run_id)
            for kind in ("run.started", "model.answered", "tool.finished"):
                seen.until(of_type(kind))
                server.kill()
                server.start()
            seen.until(of_type("tool.held"))
            server.kill()
            server.start()
            # The provider does the refund and then never answers: the worst moment to die.
            stuck = Fault(provider=ProviderName.STRIPE, kind=FaultKind.TIMEOUT, times=1, after_effect=True)
            sandbox.state.faults.add(stuck)
            (approval,) = server.request("GET", "/api/v1/approvals?status=pending").json()
            approved = server.request("POST", f"/api/v1/approvals/{approval['id']}/approve", {})
            assert approved.status_code == httpx.codes.OK, approved.text
            _wait(lambda: len(sandbox.state.effects_of(ProviderName.STRIPE)) == 1)
            server.kill()
            server.start()
            seen.until(of_type(*ENDINGS))
            _check(server, sandbox, run_id, seen)

    await anyio.to_thread.run_sync(story)


async def test_a_killed_server_repeats_no_settled_call(
    tmp_path: Path, database_url: str | None, sandbox: Sandbox
) -> None:
    """Killed again and again at moments nobody chose, the run still ends, with every effect there once."""

    def story() -> None:
        with serving(tmp_path / "data", database_url) as server:
            run_id = _begin(server, sandbox)
            seen = Events(server, run_id)
            seen.until(of_type("tool.held"))
            (approval,) = server.request("GET", "/api/v1/approvals?status=pending").json()
            server.request("POST", f"/api/v1/approvals/{approval['id']}/approve", {})
            for pause in (0.0, 0.05, 0.2):
                time.sleep(pause)
                server.kill()
                server.start()
            seen.until(of_type(*ENDINGS))
            assert len(sandbox.state.effects_of(ProviderName.STRIPE)) == 1
            assert len(sandbox.state.effects_of(ProviderName.HUBSPOT)) == 1
            assert len(sandbox.state.effects_of(ProviderName.GMAIL)) <= 1
            assert len(sandbox.state.effects_of(ProviderName.SLACK)) <= 1
            assert seen.numbers == list(range(1, len(seen.numbers) + 1))
            assert server.request("GET", "/api/ledger/verify").json()["valid"]

    await anyio.to_thread.run_sync(story)


def _begin(server: ServerProcess, sandbox: Sandbox) -> str:
    for integration, provider, credentials in CREDENTIALS:
        body = {"base_url": sandbox.url(ProviderName(provider)), "credentials": credentials}
        connected = server.request("POST", f"/api/v1/integrations/{integration}/connect", body)
        assert connected.status_code == httpx.codes.OK, connected.text
    agent = server.request("POST", "/api/v1/agents", REFUND_DESK).json()
    started = server.request("POST", f"/api/v1/agents/{agent['id']}/run", {"input_data": TASK})
    assert started.status_code == httpx.codes.OK, started.text
    return str(started.json()["run_id"])


def _check(server: ServerProcess, sandbox: Sandbox, run_id: str, seen: Events) -> None:
    run = server.request("GET", f"/api/v1/runs/{run_id}").json()
    assert run["status"] == "completed", run
    assert seen.numbers == list(range(1, len(seen.numbers) + 1))
    for provider in (ProviderName.STRIPE, ProviderName.HUBSPOT, ProviderName.GMAIL, ProviderName.SLACK):
        assert len(sandbox.state.effects_of(provider)) == 1, provider
    (refund,) = sandbox.state.effects_of(ProviderName.STRIPE)
    assert refund.idempotency_key
    assert [call["tool"] for call in run["mcp_calls"]] == REFUND_DESK["tools"]
    parts = sum(Decimal(str(part["cost"])) for part in run["nodes"] + run["mcp_calls"])
    assert Decimal(str(run["total_cost"])) == parts
    verified = server.request("GET", "/api/ledger/verify").json()
    assert verified["valid"], verified


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
