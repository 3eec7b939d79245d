"""An agent's run repeated from a step: what was said before is said again, nothing before it is done again."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interlock.domains.connectors.service import ConnectAccount, connect
from interlock.runtime.invoke import invoke
from interlock.sandbox import ProviderName, Sandbox, serve
from tests.support.app import Server
from tests.support.story import CREDENTIALS, finished, pending_approval, write_script


@pytest.fixture
async def sandbox(server: Server) -> AsyncIterator[Sandbox]:
    """A pretend outside world, connected."""
    async with serve() as running:
        for integration, provider, credentials in CREDENTIALS:
            account = {"id": integration, "base_url": running.url(ProviderName(provider)), "credentials": credentials}
            await invoke(await server.ctx(), connect, ConnectAccount.model_validate(account))
        yield running


def _slack(text: str) -> dict[str, Any]:
    return {"tool": "comms.send_slack_message", "arguments": {"channel": "#refunds", "text": text}}


def _script(server: Server, name: str, *turns: dict[str, Any]) -> str:
    folder = server.runtime.settings.data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"label": name, "turns": turns}))
    return f"scripted:{name}"


async def _agent(server: Server, model: str) -> str:
    agent = {"name": "desk", "model": model, "tools": ["comms.send_slack_message"]}
    return str((await server.post("/api/v1/agents", agent)).json()["id"])


async def _run(server: Server, agent_id: str) -> str:
    started = await server.post(f"/api/v1/agents/{agent_id}/run", {"input_data": {"task": "Tell them."}})
    return str(started.json()["run_id"])


async def _again(server: Server, run_id: str, **body: Any) -> str:
    started = await server.post(f"/api/v1/runs/{run_id}/replay", body)
    assert started.status_code == 200, started.text
    return str(started.json()["run_id"])


async def _steps(server: Server, run_id: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = (await server.get(f"/api/v1/runs/{run_id}/steps")).json()
    return steps


async def test_only_what_comes_from_the_step_on_is_done_again_under_new_keys(server: Server, sandbox: Sandbox) -> None:
    model = _script(
        server,
        "two",
        {"tool_calls": [_slack("one"), _slack("two")]},
        {"tool_calls": [_slack("three")]},
        {"text": "Ok."},
    )
    run_id = await _run(server, await _agent(server, model))
    assert (await finished(server, run_id))["status"] == "completed"
    assert len(sandbox.state.effects_of(ProviderName.SLACK)) == 3
    again = await _again(server, run_id, from_step=2)  # the second call of the first answer
    run = await finished(server, again)
    assert (run["status"], run["retry_of"], run["output"]) == ("completed", run_id, {"text": "Ok."})
    assert len(sandbox.state.effects_of(ProviderName.SLACK)) == 5
    steps = await _steps(server, again)
    assert [step["position"] for step in steps] == [0, 1, 2, 3, 4, 5]
    assert [step["taken_from"] for step in steps] == [run_id, run_id, None, None, None, None]
    before = await _steps(server, run_id)
    assert [step["call_id"] for step in steps[:2]] == [step["call_id"] for step in before[:2]]
    assert not {step["call_id"] for step in steps[2:] if step["call_id"]} & {step["call_id"] for step in before}
    once_more = await finished(server, await _again(server, again, from_step=5))
    assert (once_more["status"], len(once_more["nodes"])) == ("completed", 3)
    assert 0 < once_more["total_tokens"] < run["total_tokens"]
    assert len(sandbox.state.effects_of(ProviderName.SLACK)) == 5


async def test_a_run_that_was_stopped_at_a_gate_goes_on_there_with_the_agent_as_it_is_now(
    server: Server, sandbox: Sandbox
) -> None:
    gate = {"name": "ask", "type": "approval", "mode": "pause", "match": {"tools": ["comms"]}}
    policy = (await server.post("/api/v1/policies", gate)).json()
    model = _script(server, "held", {"tool_calls": [_slack("one")]}, {"text": "Ok."})
    agent_id = await _agent(server, model)
    run_id = await _run(server, agent_id)
    await pending_approval(server, run_id)
    refused = await server.post(f"/api/v1/runs/{run_id}/replay")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    await server.post(f"/api/v1/runs/{run_id}/cancel")
    await server.delete(f"/api/v1/policies/{policy['id']}")
    await server.patch(f"/api/v1/agents/{agent_id}", {"system_prompt": "Be brief."})
    run = await finished(server, await _again(server, run_id))
    assert (run["status"], run["agent_version"]) == ("completed", 2)
    assert [step["taken_from"] for step in await _steps(server, run["run_id"])] == [run_id, None, None]
    assert len(sandbox.state.effects_of(ProviderName.SLACK)) == 1
    earlier = await finished(server, await _again(server, run_id, from_step=0, agent_version=1))
    assert earlier["agent_version"] == 1


async def test_what_cannot_be_gone_on_from_is_refused_in_words(server: Server) -> None:
    model = write_script(server.runtime.settings.data_dir, "plain", "Done.")
    run_id = await _run(server, await _agent(server, model))
    await finished(server, run_id)
    refused = await server.post(f"/api/v1/runs/{run_id}/replay", {"from_step": 1})
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (422, "from_step")
    workflow = (await server.post("/api/v1/workflows", {"name": "flow"})).json()
    other = (await server.post(f"/api/v1/workflows/{workflow['id']}/run")).json()["run_id"]
    assert (await server.post(f"/api/v1/runs/{other}/replay")).status_code == 409


async def test_what_was_said_is_sealed_and_shown_masked(server: Server, settings: Any) -> None:
    mask = {"name": "mask", "type": "data_privacy", "mode": "log", "config": {"detect": ["email"]}}
    await server.post("/api/v1/policies", mask)
    model = write_script(server.runtime.settings.data_dir, "leaky", "Write to jane@example.com.")
    run_id = await _run(server, await _agent(server, model))
    await finished(server, run_id)
    said = (await server.get(f"/api/v1/runs/{run_id}/steps/0")).json()["said"]
    assert "jane@example.com" not in said["text"]
    assert said["text"].startswith("Write to ")
