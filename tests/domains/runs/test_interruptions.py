"""Runs that are cancelled or meet database trouble at an awkward moment, and text that tries to leave its fence."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from interlock.domains.connectors.service import ConnectAccount, connect
from interlock.domains.governance.approvals import service as approvals
from interlock.domains.llm.service import calls as llm_calls
from interlock.domains.llm.views import ModelCall, ModelReply
from interlock.domains.runs import service as runs
from interlock.domains.runs.service import calls
from interlock.domains.tools.service import CallTool
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from interlock.sandbox import ProviderName, Sandbox, serve
from tests.support.app import Server
from tests.support.story import CHARGE, CREDENTIALS, REFUND_DESK, finished, pending_approval

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATIENCE = 30.0
TASK = {"task": "Handle this message.", "message": f"Refund {CHARGE} please. ORDER NW-10482"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A pretend outside world."""
    async with serve() as running:
        yield running


async def _start(server: Server, sandbox: Sandbox) -> str:
    ctx = await server.ctx()
    for integration, provider, credentials in CREDENTIALS:
        account = {"id": integration, "base_url": sandbox.url(ProviderName(provider)), "credentials": credentials}
        await invoke(ctx, connect, ConnectAccount.model_validate(account))
    agent = (await server.post("/api/v1/agents", REFUND_DESK)).json()
    started = await server.post(f"/api/v1/agents/{agent['id']}/run", {"input_data": TASK})
    return str(started.json()["run_id"])


async def test_a_gate_that_opens_while_its_run_is_cancelled_is_withdrawn(
    server: Server, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = calls._call

    async def cancelled_meanwhile(acting: Callable[[Ctx], Ctx], command: CallTool, ctx: Ctx) -> Any:
        if command.tool == "payments.create_refund":
            await server.post(f"/api/v1/runs/{command.run_id}/cancel")
        return await call(acting, command, ctx)

    monkeypatch.setattr(calls, "_call", cancelled_meanwhile)
    run_id = await _start(server, sandbox)
    assert (await finished(server, run_id))["status"] == "cancelled"
    async with asyncio.timeout(PATIENCE):  # the run has ended, but its flow closes the gate only when it hears of that
        while (gate := (await server.get("/api/v1/approvals")).json()[0])["status"] == "pending":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await server.runtime.durable.shut_down()
    assert gate["status"] == "withdrawn"
    assert sandbox.state.effects_of(ProviderName.STRIPE) == []


async def test_a_call_approved_just_before_its_run_is_cancelled_is_not_executed(
    server: Server, sandbox: Sandbox
) -> None:
    run_id = await _start(server, sandbox)
    pending = await pending_approval(server, run_id)
    async with (await server.ctx()).begin() as unit:
        await approvals.approve(unit, approvals.Approve.model_validate({"approval_id": pending["id"]}))
        await runs.cancel(unit, runs.RunRef.model_validate({"run_id": run_id}))
    assert (await finished(server, run_id))["status"] == "cancelled"
    await server.runtime.durable.shut_down()
    (approval,) = (await server.get("/api/v1/approvals")).json()
    assert (approval["status"], approval["result"]["reason"]) == ("approved", "The run was cancelled.")
    assert sandbox.state.effects_of(ProviderName.STRIPE) == []


async def test_a_run_outlives_database_trouble_around_its_model_call(
    server: Server, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, asked = llm_calls.request, 0

    async def full_at_first(ctx: Ctx, call: ModelCall) -> ModelReply:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise InterlockError(Kind.UNAVAILABLE, "The disk is full.", code="disk_full")
        return await request(ctx, call)

    monkeypatch.setattr(llm_calls, "request", full_at_first)
    run_id = await _start(server, sandbox)
    assert (await pending_approval(server, run_id))["tool"] == "payments.create_refund"
    assert asked > 1
