"""One valid command for every operation, built on a running server; what the suites over the registry call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, select

from interlock.domains.runs.states import LIFECYCLE, RunStatus
from interlock.kit.ids import TypedId
from interlock.kit.operations import REGISTRY
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke
from interlock.runtime.jobs import job_rows
from tests.support.app import Server
from tests.support.story import CHARGE, REFUND_DESK

_numbers = count(1)
CLOSED_PORT = "http://127.0.0.1:9"
PATIENCE = 30.0
ENDINGS = frozenset(f"run.{status.value}" for status in RunStatus if LIFECYCLE.is_final(status))
LEASE = timedelta(minutes=6)  # a job at work is put off by its lease
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Sample:
    """A command as a caller would write it, and the credential that may send it."""

    payload: dict[str, Any]
    credential: str | None = None


@dataclass(frozen=True)
class World:
    """A server seen from one workspace."""

    server: Server
    key: str

    async def ctx(self, credential: str | None = None) -> Ctx:
        """A caller's context."""
        return await self.server.ctx(credential or self.key)

    async def call(self, name: str, payload: dict[str, Any] | None = None, credential: str | None = None) -> Any:
        """Call an operation by name, through the doorway."""
        operation = REGISTRY[name]
        command = operation.command.model_validate(payload or {})
        return await invoke(await self.ctx(credential), operation.function, command)

    async def run(self, name: str) -> Any:
        """Call an operation with its sample."""
        sample = await SAMPLES[name](self)
        return await self.call(name, sample.payload, sample.credential)

    async def next_event(self, run_id: TypedId, kinds: set[str]) -> str:
        """Wait until a run tells one of these."""
        async with asyncio.timeout(PATIENCE):
            async for event in self.server.runtime.streams.follow(await self.ctx(), f"run:{run_id}", 0):
                if event is not None and event.type in kinds:
                    return event.type
        raise AssertionError

    async def settle(self) -> None:
        """Wait until what earlier calls set going has come to rest."""
        for run in (await self.call("runs.list", {"status": "running"})).items:
            await self.next_event(run.id, {"tool.held", *ENDINGS})
        async with asyncio.timeout(PATIENCE):
            while await self._has_due_jobs():  # noqa: ASYNC110 - the worker has no event for tests
                await asyncio.sleep(0.02)

    async def _has_due_jobs(self) -> bool:
        async with (await self.ctx()).begin(write=False) as ctx:
            soon = ctx.now + LEASE
            fresh = select(func.count()).where(job_rows.c.attempts == 0, job_rows.c.run_at <= soon)
            number: int = (await (await ctx.session()).execute(fresh)).scalar_one()
            return number > 0

    async def made(self, name: str) -> TypedId:
        """The id of what a creating operation made."""
        identity: TypedId = (await self.run(name)).id
        return identity


def unique(stem: str) -> str:
    """A name nobody has."""
    return f"{stem}-{next(_numbers)}"


async def _nothing(_world: World) -> Sample:
    return Sample({})


async def _signed_in(world: World) -> tuple[str, str]:
    email = f"{unique('person')}@example.com"
    await world.call("accounts.add_user", {"email": email, "name": "Person", "password": PASSWORD})
    signed = await world.call("accounts.sign_in", {"email": email, "password": PASSWORD})
    return email, signed.token


async def _as_person(world: World) -> Sample:
    return Sample({}, (await _signed_in(world))[1])


async def _sign_in(world: World) -> Sample:
    return Sample({"email": (await _signed_in(world))[0], "password": PASSWORD})


async def _sign_out(world: World) -> Sample:
    token = (await _signed_in(world))[1]
    return Sample({"token": token}, token)


async def _set_password(world: World) -> Sample:
    token = (await _signed_in(world))[1]
    return Sample({"password": "another long phrase", "current_password": PASSWORD}, token)


async def _reset_password(world: World) -> Sample:
    return Sample({"email": (await _signed_in(world))[0], "password": "another long phrase"})


async def _add_user(_world: World) -> Sample:
    return Sample({"email": f"{unique('person')}@example.com", "name": "Person", "role": "member"})


async def _create_key(_world: World) -> Sample:
    return Sample({"name": unique("key"), "scopes": ["agents"]})


async def _register_client(_world: World) -> Sample:
    return Sample({"name": unique("client"), "kind": "custom", "tools": ["comms"], "resources": {"channel": ["ops-*"]}})


async def _create_agent(_world: World) -> Sample:
    return Sample({"name": unique("agent"), "model": "scripted:nothing", "tools": ["comms.send_email"]})


async def _update_agent(world: World) -> Sample:
    return Sample({"agent_id": await world.made("agents.create"), "status": "paused", "budget_per_run": 0.5})


async def _start_agent(world: World) -> Sample:
    return Sample({"agent_id": await world.made("agents.create"), "input_data": {"task": "Say hello."}})


async def _waiting_run(world: World) -> Sample:
    """A run that rests at a gate, so that it is still there to be cancelled."""
    match = {"tools": ["crm.create_contact"]}
    await world.call("policies.create", {"name": unique("gate"), "type": "approval", "mode": "pause", "match": match})
    agent = await world.call("agents.create", {**REFUND_DESK, "name": unique("desk")})
    task = {"task": "Handle this message.", "message": f"Refund {CHARGE} please. ORDER NW-10482"}
    run = await world.call("runs.start_agent", {"agent_id": agent.id, "input_data": task})
    assert await world.next_event(run.id, {"tool.held", *ENDINGS}) == "tool.held"
    return Sample({"run_id": run.id})


async def _create_policy(_world: World) -> Sample:
    return Sample({"name": unique("policy"), "type": "approval", "mode": "log", "match": {"tools": [unique("tool")]}})


async def _update_policy(world: World) -> Sample:
    return Sample({"policy_id": await world.made("policies.create"), "mode": "pause"})


async def _dry_run(_world: World) -> Sample:
    return Sample({"tool": "comms.send_email", "args": {"to": "a@example.com", "subject": "x", "body": "y"}})


async def _check(_world: World) -> Sample:
    return Sample({"tool": unique("crm.create"), "args": {"email": "a@example.com"}, "cost_estimate": 0.01})


async def _outcome(world: World) -> Sample:
    sample = await _check(world)
    verdict = await world.call("checks.check_action", sample.payload)
    return Sample(
        {"tool": sample.payload["tool"], "check_id": verdict.check_id, "outcome": "success", "cost_usd": 0.02}
    )


async def _held_check(world: World) -> Sample:
    """A gate that waits, opened by a check that a policy holds."""
    tool = unique("pay.out")
    policy = {"name": unique("gate"), "type": "approval", "mode": "pause", "match": {"tools": [tool]}}
    await world.call("policies.create", policy)
    verdict = await world.call("checks.check_action", {"tool": tool, "args": {"amount": 5}})
    return Sample({"approval_id": verdict.escalation_id})


async def _update_budget(_world: World) -> Sample:
    alerts = [{"threshold_percent": 80, "channels": ["email"]}]
    return Sample({"monthly_cap": 500, "daily_cap": 50, "per_run_cap": 5, "alerts": alerts})


async def _entry(world: World) -> Sample:
    await world.run("checks.check_action")
    page = await world.call("ledger.list")
    return Sample({"entry_id": page.items[0].id})


async def _connect(_world: World) -> Sample:
    return Sample({"id": "int_slack", "base_url": CLOSED_PORT, "credentials": {"token": "xoxb-1111-2222-sample"}})


async def _integration(world: World) -> Sample:
    await world.run("connectors.connect")
    return Sample({"id": "int_slack"})


async def _call_tool(_world: World) -> Sample:
    arguments = {"channel": "#ops", "text": unique("hello")}
    return Sample({"tool": "comms.send_slack_message", "arguments": arguments, "idempotency_key": unique("call")})


async def _tool_call(world: World) -> Sample:
    await world.run("connectors.connect")
    return Sample({"call_id": (await world.run("tools.call")).call_id})


async def _create_route(_world: World) -> Sample:
    return Sample({"name": unique("route"), "targets": ["scripted:nothing"]})


async def _update_route(world: World) -> Sample:
    return Sample({"route_id": await world.made("llm.create_route"), "targets": ["scripted:else"]})


async def _create_provider(_world: World) -> Sample:
    return Sample({"name": unique("provider"), "kind": "openai_compatible", "base_url": f"{CLOSED_PORT}/v1"})


async def _update_provider(world: World) -> Sample:
    return Sample({"provider_id": await world.made("llm.create_provider"), "enabled": False})


async def _test_provider(world: World) -> Sample:
    return Sample({"name": (await world.run("llm.create_provider")).name})


async def _update_settings(_world: World) -> Sample:
    return Sample({"log_retention_days": 30, "approval_hours": 12, "alerts": {"slack_channel": "#ops"}})


def _reference(field: str, creator: str) -> Callable[[World], Awaitable[Sample]]:
    async def build(world: World) -> Sample:
        return Sample({field: await world.made(creator)})

    return build


SAMPLES: dict[str, Callable[[World], Awaitable[Sample]]] = {
    "accounts.add_user": _add_user,
    "accounts.create_key": _create_key,
    "accounts.get_client": _reference("client_id", "accounts.register_client"),
    "accounts.list_clients": _nothing,
    "accounts.list_keys": _nothing,
    "accounts.list_users": _nothing,
    "accounts.me": _as_person,
    "accounts.register_client": _register_client,
    "accounts.reset_password": _reset_password,
    "accounts.revoke_client": _reference("client_id", "accounts.register_client"),
    "accounts.revoke_key": _reference("key_id", "accounts.create_key"),
    "accounts.rotate_client": _reference("client_id", "accounts.register_client"),
    "accounts.set_password": _set_password,
    "accounts.sign_in": _sign_in,
    "accounts.sign_out": _sign_out,
    "accounts.validate_key": _nothing,
    "activity.list": _nothing,
    "agents.create": _create_agent,
    "agents.delete": _reference("agent_id", "agents.create"),
    "agents.get": _reference("agent_id", "agents.create"),
    "agents.list": _nothing,
    "agents.update": _update_agent,
    "approvals.approve": _held_check,
    "approvals.get": _held_check,
    "approvals.list": _nothing,
    "approvals.reject": _held_check,
    "budget.get": _nothing,
    "budget.update": _update_budget,
    "checks.check_action": _check,
    "checks.record_outcome": _outcome,
    "connectors.connect": _connect,
    "connectors.disconnect": _integration,
    "connectors.get": _reference("connection_id", "connectors.connect"),
    "connectors.list": _nothing,
    "connectors.test": _integration,
    "ledger.export": _nothing,
    "ledger.get": _entry,
    "ledger.jwks": _nothing,
    "ledger.list": _nothing,
    "ledger.rotate_key": _nothing,
    "ledger.verify": _nothing,
    "llm.create_provider": _create_provider,
    "llm.create_route": _create_route,
    "llm.delete_provider": _reference("provider_id", "llm.create_provider"),
    "llm.delete_route": _reference("route_id", "llm.create_route"),
    "llm.get_provider": _reference("provider_id", "llm.create_provider"),
    "llm.list_providers": _nothing,
    "llm.list_routes": _nothing,
    "llm.models": _nothing,
    "llm.test_provider": _test_provider,
    "llm.update_provider": _update_provider,
    "llm.update_route": _update_route,
    "notifications.list": _nothing,
    "org.workspace": _nothing,
    "policies.create": _create_policy,
    "policies.delete": _reference("policy_id", "policies.create"),
    "policies.dry_run": _dry_run,
    "policies.get": _reference("policy_id", "policies.create"),
    "policies.list": _nothing,
    "policies.update": _update_policy,
    "runs.cancel": _waiting_run,
    "runs.events": _reference("run_id", "runs.start_agent"),
    "runs.get": _reference("run_id", "runs.start_agent"),
    "runs.list": _nothing,
    "runs.start_agent": _start_agent,
    "settings.get": _nothing,
    "settings.update": _update_settings,
    "tools.call": _call_tool,
    "tools.catalog": _nothing,
    "tools.get_call": _tool_call,
    "tools.get_outcome": _tool_call,
    "tools.list_calls": _nothing,
}

# May only shrink. These talk to a model; the suites of the llm domain and of the OpenAI face drive them over the wire.
WITHOUT_SAMPLE = frozenset({"llm.complete", "llm.embed", "llm.stream"})
