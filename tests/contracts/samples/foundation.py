"""Samples of the foundation: accounts, governance, models, tools, agents, runs."""

from interlock.domains.accounts.service import claiming
from tests.contracts.world import CLOSED_PORT, ENDINGS, PASSWORD, Build, Sample, World, nothing, reference, unique
from tests.support.story import CHARGE, REFUND_DESK


async def _signed_in(world: World) -> tuple[str, str]:
    email = f"{unique('person')}@example.com"
    await world.call("accounts.add_user", {"email": email, "name": "Person", "password": PASSWORD})
    signed = await world.call("accounts.sign_in", {"email": email, "password": PASSWORD})
    return email, signed.token


async def _as_person(world: World) -> Sample:
    return Sample({}, (await _signed_in(world))[1])


async def _claim(world: World) -> Sample:
    owner = {"email": "owner@example.com", "name": "Owner", "password": PASSWORD}
    return Sample({"code": claiming.setup_code(world.server.runtime), **owner})


async def _setup_code(world: World) -> Sample:
    return Sample({"code": claiming.setup_code(world.server.runtime)})


async def _sign_in(world: World) -> Sample:
    return Sample({"email": (await _signed_in(world))[0], "password": PASSWORD})


async def _sign_out(world: World) -> Sample:
    token = (await _signed_in(world))[1]
    return Sample({"token": token}, token)


async def _set_password(world: World) -> Sample:
    token = (await _signed_in(world))[1]
    return Sample({"password": "another long phrase", "current_password": PASSWORD}, token)


async def _end_session(world: World) -> Sample:
    token = (await _signed_in(world))[1]
    (session,) = await world.call("accounts.list_sessions", {}, token)
    return Sample({"session_id": session.id}, token)


async def _update_user(world: World) -> Sample:
    return Sample({"user_id": await world.made("accounts.add_user"), "role": "admin"})


async def _reactivate_user(world: World) -> Sample:
    key = await world.made("accounts.add_user")
    await world.call("accounts.deactivate_user", {"user_id": key})
    return Sample({"user_id": key})


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


async def _agent_version(world: World) -> Sample:
    sample = await _update_agent(world)
    await world.call("agents.update", {**sample.payload, "model": "scripted:other"})
    return Sample({"agent_id": sample.payload["agent_id"], "version": 1})


async def _policies_over(_world: World) -> Sample:
    return Sample({"tools": ["comms", "stripe_refund"], "agent_name": "desk"})


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


async def _paused_run(world: World) -> Sample:
    sample = await _waiting_run(world)
    await world.call("runs.pause", sample.payload)
    return sample


async def _step(world: World) -> Sample:
    return Sample({**(await _waiting_run(world)).payload, "position": 0})


async def _figures(world: World) -> Sample:
    return Sample({"agent_ids": [await world.made("agents.create")]})


async def _run_again(world: World) -> Sample:
    sample = await _waiting_run(world)
    await world.call("runs.cancel", sample.payload)
    return Sample({**sample.payload, "from_step": 1})


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


SAMPLES: dict[str, Build] = {
    "accounts.add_user": _add_user,
    "accounts.claim": _claim,
    "accounts.create_key": _create_key,
    "accounts.deactivate_user": reference("user_id", "accounts.add_user"),
    "accounts.end_other_sessions": _as_person,
    "accounts.end_session": _end_session,
    "accounts.get_client": reference("client_id", "accounts.register_client"),
    "accounts.is_claimable": _setup_code,
    "accounts.list_clients": nothing,
    "accounts.list_keys": nothing,
    "accounts.list_sessions": _as_person,
    "accounts.list_users": nothing,
    "accounts.me": _as_person,
    "accounts.reactivate_user": _reactivate_user,
    "accounts.register_client": _register_client,
    "accounts.reset_password": _reset_password,
    "accounts.revoke_client": reference("client_id", "accounts.register_client"),
    "accounts.revoke_key": reference("key_id", "accounts.create_key"),
    "accounts.rotate_client": reference("client_id", "accounts.register_client"),
    "accounts.set_password": _set_password,
    "accounts.sign_in": _sign_in,
    "accounts.sign_out": _sign_out,
    "accounts.update_user": _update_user,
    "accounts.validate_key": nothing,
    "activity.list": nothing,
    "agents.create": _create_agent,
    "agents.delete": reference("agent_id", "agents.create"),
    "agents.get": reference("agent_id", "agents.create"),
    "agents.get_version": _agent_version,
    "agents.list": nothing,
    "agents.restore": _agent_version,
    "agents.update": _update_agent,
    "agents.versions": reference("agent_id", "agents.create"),
    "approvals.approve": _held_check,
    "approvals.get": _held_check,
    "approvals.list": nothing,
    "approvals.reject": _held_check,
    "budget.get": nothing,
    "budget.update": _update_budget,
    "checks.check_action": _check,
    "checks.record_outcome": _outcome,
    "connectors.connect": _connect,
    "connectors.disconnect": _integration,
    "connectors.get": reference("connection_id", "connectors.connect"),
    "connectors.list": nothing,
    "connectors.test": _integration,
    "ledger.export": nothing,
    "ledger.get": _entry,
    "ledger.jwks": nothing,
    "ledger.list": nothing,
    "ledger.rotate_key": nothing,
    "ledger.verify": nothing,
    "backups.list": nothing,
    "llm.create_provider": _create_provider,
    "llm.create_route": _create_route,
    "llm.delete_provider": reference("provider_id", "llm.create_provider"),
    "llm.delete_route": reference("route_id", "llm.create_route"),
    "llm.health": nothing,
    "llm.get_provider": reference("provider_id", "llm.create_provider"),
    "llm.list_providers": nothing,
    "llm.list_routes": nothing,
    "llm.models": nothing,
    "llm.test_provider": _test_provider,
    "llm.update_provider": _update_provider,
    "llm.update_route": _update_route,
    "notifications.list": nothing,
    "org.workspace": nothing,
    "policies.create": _create_policy,
    "policies.delete": reference("policy_id", "policies.create"),
    "policies.dry_run": _dry_run,
    "policies.get": reference("policy_id", "policies.create"),
    "policies.list": nothing,
    "policies.update": _update_policy,
    "runs.cancel": _waiting_run,
    "runs.events": reference("run_id", "runs.start_agent"),
    "runs.family": reference("run_id", "runs.start_agent"),
    "runs.get": reference("run_id", "runs.start_agent"),
    "runs.history": reference("run_id", "runs.start_agent"),
    "runs.list": nothing,
    "runs.of_agents": _figures,
    "runs.pause": _waiting_run,
    "runs.resume": _paused_run,
    "runs.run_again": _run_again,
    "runs.start_agent": _start_agent,
    "runs.step": _step,
    "runs.steps": reference("run_id", "runs.start_agent"),
    "runs.summary": reference("run_id", "runs.start_agent"),
    "settings.get": nothing,
    "settings.update": _update_settings,
    "tools.call": _call_tool,
    "tools.catalog": nothing,
    "tools.get_call": _tool_call,
    "tools.get_outcome": _tool_call,
    "tools.list_calls": nothing,
    "tools.policies": _policies_over,
}

# May only shrink. These talk to a model; the suites of the llm domain and of the OpenAI face drive them over the wire.
WITHOUT_SAMPLE = frozenset(
    {"llm.complete", "llm.embed", "llm.stream", "backups.create", "backups.delete", "backups.open"}
)

# Operations that a face serves by hand, and where.
BY_HAND = {
    "backups.open": ("GET", "/api/v1/backups/{name}/download"),
    "ledger.export": ("GET", "/api/ledger/export"),
    "llm.complete": ("POST", "/v1/chat/completions"),
    "llm.embed": ("POST", "/v1/embeddings"),
    "llm.stream": ("POST", "/v1/chat/completions"),
    "runs.events": ("GET", "/api/v1/runs/{run_id}/events"),
    "tools.call": ("POST", "/api/mcp"),
    "tools.get_outcome": ("POST", "/api/mcp"),
}
# May only shrink: operations that no face serves yet, each with its reason.
UNROUTED = {
    "accounts.claim": "the dashboard's page of a first start",
    "accounts.is_claimable": "the dashboard's page of a first start",
    "accounts.get_client": "the list shows everything it does; for other domains and the dashboard",
    "accounts.reset_password": "for operators, on the command line",
    "org.workspace": "read by other domains; the dashboard's home shows it",
}
# Operations whose consequences for other things are evidence of their own, beside their row in the log: how many.
ALSO_EVIDENCE = {"runs.cancel": 2}  # the approval that the run waited for is withdrawn, the call behind it is refused
# Results that are neither views nor ids: a handle on bytes that a face sends on as they come.
STREAMS = {"ledger.export": "LedgerExport", "llm.stream": "ChatStream", "backups.open": "BackupFile"}
# Callable without any credential.
PUBLIC = frozenset({"accounts.claim", "accounts.is_claimable", "accounts.sign_in", "ledger.jwks"})
