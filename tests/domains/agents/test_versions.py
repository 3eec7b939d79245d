"""Every change of an agent is kept, can be looked at and taken back; runs say with which version they ran."""

from typing import Any

from tests.support.app import Server
from tests.support.story import finished, write_script

DESK: dict[str, Any] = {"name": "desk", "model": "scripted:a", "system_prompt": "Be kind.", "tools": ["comms"]}


async def _made(server: Server, **values: Any) -> str:
    return str((await server.post("/api/v1/agents", {**DESK, **values})).json()["id"])


async def _versions(server: Server, agent_id: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await server.get(f"/api/v1/agents/{agent_id}/versions", **params)).json()
    return found


async def test_a_change_is_a_new_version_and_says_what_changed_and_who_did_it(server: Server) -> None:
    agent_id = await _made(server)
    changed = await server.patch(
        f"/api/v1/agents/{agent_id}", {"system_prompt": "Be brief.", "model": "scripted:a", "budget_per_run": 0.25}
    )
    assert changed.json()["version"] == 2
    newest, first = await _versions(server, agent_id)
    assert (newest["version"], newest["changed"]) == (2, ["system_prompt", "budget_per_run"])
    assert (newest["system_prompt"], newest["budget_per_run"]) == ("Be brief.", 0.25)
    assert (first["version"], first["changed"], first["system_prompt"]) == (1, [], "Be kind.")
    assert first["changed_by"] == newest["changed_by"] != ""
    assert [row["version"] for row in await _versions(server, agent_id, limit=1, offset=1)] == [1]


async def test_pausing_and_saving_the_same_again_are_no_new_versions(server: Server) -> None:
    agent_id = await _made(server)
    await server.patch(f"/api/v1/agents/{agent_id}", {"status": "paused"})
    await server.patch(f"/api/v1/agents/{agent_id}", {**DESK})
    assert [row["version"] for row in await _versions(server, agent_id)] == [1]
    assert (await server.get(f"/api/v1/agents/{agent_id}")).json()["status"] == "paused"


async def test_an_earlier_version_is_restored_as_a_new_one_and_a_paused_agent_stays_paused(server: Server) -> None:
    agent_id = await _made(server)
    await server.patch(f"/api/v1/agents/{agent_id}", {"tools": [], "name": "other", "status": "paused"})
    restored = await server.post(f"/api/v1/agents/{agent_id}/restore", {"version": 1})
    assert restored.json()["version"] == 3
    agent = (await server.get(f"/api/v1/agents/{agent_id}")).json()
    assert (agent["name"], agent["tools"], agent["status"]) == ("desk", ["comms"], "paused")
    newest = (await _versions(server, agent_id))[0]
    assert (newest["restored_from"], newest["changed"]) == (1, ["name", "tools"])
    assert (await server.post(f"/api/v1/agents/{agent_id}/restore", {"version": 9})).status_code == 404
    shown = await server.get(f"/api/v1/agents/{agent_id}/versions/2")
    assert (shown.json()["name"], shown.json()["tools"]) == ("other", [])


async def test_a_run_says_with_which_version_it_ran(server: Server) -> None:
    model = write_script(server.runtime.settings.data_dir, "answers", "Done.")
    agent_id = await _made(server, model=model, tools=[])
    await server.patch(f"/api/v1/agents/{agent_id}", {"system_prompt": "Be brief."})
    started = await server.post(f"/api/v1/agents/{agent_id}/run", {"input_data": {"task": "Go."}})
    await server.patch(f"/api/v1/agents/{agent_id}", {"system_prompt": "Be long."})
    run = await finished(server, started.json()["run_id"])
    assert (run["status"], run["agent_version"]) == ("completed", 2)


async def test_nothing_of_an_agents_versions_outlives_it(server: Server) -> None:
    agent_id = await _made(server)
    await server.delete(f"/api/v1/agents/{agent_id}")
    assert (await server.get(f"/api/v1/agents/{agent_id}/versions")).status_code == 404
    assert (await server.get(f"/api/v1/agents/{agent_id}/versions/1")).status_code == 404
