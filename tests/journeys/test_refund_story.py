"""The main job in one process: an agent refunds a customer once a person agreed, and the evidence verifies."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from interlock.domains.connectors.service import ConnectAccount, connect
from interlock.domains.runs.states import RunStatus
from interlock.kit.ids import RunId
from interlock.runtime.invoke import invoke
from interlock.sandbox import ProviderName, Sandbox, serve
from tests.support.app import Server
from tests.support.story import CHARGE, CREDENTIALS, REFUND_DESK, finished, pending_approval


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A pretend outside world."""
    async with serve() as running:
        yield running


async def test_a_refund_happens_once_after_approval_and_the_evidence_verifies(server: Server, sandbox: Sandbox) -> None:
    """The whole story, from the mail to a verified ledger."""
    run_id = await _start(server, sandbox)

    approval = await pending_approval(server, run_id)
    assert approval["tool"] == "payments.create_refund"
    assert sandbox.state.effects_of(ProviderName.STRIPE) == []
    waiting = (await server.get(f"/api/v1/runs/{run_id}")).json()
    assert waiting["status"] == RunStatus.WAITING_APPROVAL

    approved, again = await asyncio.gather(
        server.post(f"/api/v1/approvals/{approval['id']}/approve", {"comment": "Looks right."}),
        server.post(f"/api/v1/approvals/{approval['escalation_id']}/approve", {}),
    )
    assert sorted((approved.status_code, again.status_code)) == [200, 409]

    run = await finished(server, run_id)
    assert run["status"] == RunStatus.COMPLETED, run
    (refund,) = sandbox.state.effects_of(ProviderName.STRIPE)
    assert refund.data["charge"] == CHARGE
    assert sandbox.state.arrivals(refund) == 1
    assert [call["tool"] for call in run["mcp_calls"]] == list(REFUND_DESK["tools"])
    assert {call["decision"] for call in run["mcp_calls"]} == {"authorized"}
    assert run["total_cost"] == sum(part["cost"] for part in run["nodes"] + run["mcp_calls"])

    verified = (await server.get("/api/ledger/verify")).json()
    assert verified["valid"], verified
    polled = (await server.get(f"/api/v1/approvals/{approval['id']}")).json()
    assert polled["status"] == "approved"
    assert polled["result"]["ok"]


async def test_a_rejected_refund_never_happens_and_the_agent_is_told(server: Server, sandbox: Sandbox) -> None:
    """A refusal goes back to the model as a readable reason."""
    run_id = await _start(server, sandbox)
    approval = await pending_approval(server, run_id)
    rejected = await server.post(
        f"/api/v1/approvals/{approval['id']}/reject", {"comment": "Not ours.", "reason": "factual_error"}
    )
    assert rejected.json()["action"] == "rejected"
    run = await finished(server, run_id)
    # The script insists on a refund id in the tool's result, so the refusal it was told of ends it.
    assert run["status"] == RunStatus.FAILED
    assert run["mcp_calls"][1]["decision"] == "denied"
    assert sandbox.state.effects_of(ProviderName.STRIPE) == []


async def test_a_cancelled_run_withdraws_its_approval(server: Server, sandbox: Sandbox) -> None:
    """What waited for a person when its run was stopped can no longer be approved."""
    run_id = await _start(server, sandbox)
    approval = await pending_approval(server, run_id)
    cancelled = await server.post(f"/api/v1/runs/{run_id}/cancel")
    assert cancelled.json()["status"] == RunStatus.CANCELLED
    late = await server.post(f"/api/v1/approvals/{approval['id']}/approve", {})
    assert late.status_code == httpx.codes.CONFLICT
    again = await server.post(f"/api/v1/runs/{run_id}/cancel")
    assert again.status_code == httpx.codes.CONFLICT
    assert sandbox.state.effects_of(ProviderName.STRIPE) == []


async def test_events_of_a_run_have_no_gap(server: Server, sandbox: Sandbox) -> None:
    """Sequence numbers count from 1, and a reader who reconnects misses nothing."""
    run_id = await _start(server, sandbox)
    approval = await pending_approval(server, run_id)
    await server.post(f"/api/v1/approvals/{approval['id']}/approve", {})
    await finished(server, run_id)
    ctx = await server.ctx()
    async with ctx.begin(write=False) as reading:
        events = await server.runtime.streams.read(reading, f"run:{RunId.parse(run_id)}")
        rest = await server.runtime.streams.read(reading, f"run:{RunId.parse(run_id)}", after=5)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert rest == events[5:]
    assert events[0].type == "run.started"
    assert events[-1].type == "run.completed"


async def _start(server: Server, sandbox: Sandbox) -> str:
    ctx = await server.ctx()
    for integration, provider, credentials in CREDENTIALS:
        command = ConnectAccount.model_validate(
            {"id": integration, "base_url": sandbox.url(ProviderName(provider)), "credentials": credentials}
        )
        await invoke(ctx, connect, command)
    agent = (await server.post("/api/v1/agents", REFUND_DESK)).json()
    body: dict[str, Any] = {
        "input_data": {"task": "Handle this message.", "message": f"Refund {CHARGE} please. ORDER NW-10482"}
    }
    started = (await server.post(f"/api/v1/agents/{agent['id']}/run", body)).json()
    assert started["status"] == RunStatus.RUNNING, started
    return str(started["run_id"])
