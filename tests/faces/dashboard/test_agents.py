"""Agents in the dashboard over HTTP: forms, refusals in words, whose they are, who may."""

from typing import Any

import pytest

from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server
from tests.support.story import finished, write_script

AGENT: dict[str, Any] = {"name": "Desk", "model": "scripted:a", "tools": ["comms.send_email"], "max_iterations": "5"}


@pytest.fixture
async def owner(server: Server) -> Person:
    """Somebody who may do everything."""
    return await signed_in(server)


async def made(person: Person, **values: Any) -> str:
    """An agent's id."""
    answer = await person.post("/agents/new", {**AGENT, **values})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def test_the_first_page_teaches_the_next_step(owner: Person) -> None:
    page = await owner.get("/agents")
    assert page.status_code == 200
    assert 'href="/agents/new"' in page.text
    assert "No agent yet" in page.text


async def test_an_agent_is_made_shown_and_changed(owner: Person) -> None:
    agent_id = await made(owner, system_prompt="Be kind.\r\nBe brief.")
    page = await owner.get(f"/agents/{agent_id}")
    assert page.status_code == 200
    assert "nobody serves it at the moment" in page.text
    assert 'value="comms.send_email" checked' in page.text
    assert (await owner.call("agents.get", {"agent_id": agent_id})).system_prompt == "Be kind.\nBe brief."
    changed = await owner.post(f"/agents/{agent_id}", {**AGENT, "name": "Other", "budget_per_run": "0.5"})
    assert changed.status_code == 303
    agent = await owner.call("agents.get", {"agent_id": agent_id})
    assert (agent.name, agent.version, agent.system_prompt, str(agent.budget_per_run)) == (
        "Other",
        2,
        None,
        "0.500000000",
    )
    versions = await owner.get(f"/agents/{agent_id}/versions")
    assert "Most a run may cost" in versions.text
    restored = await owner.post(f"/agents/{agent_id}/restore", {"version": "1"})
    assert restored.headers["location"] == f"/agents/{agent_id}"
    assert (await owner.call("agents.get", {"agent_id": agent_id})).name == "Desk"


async def test_a_wrong_form_comes_back_with_what_was_typed_and_what_is_wrong(owner: Person) -> None:
    page = await owner.post("/agents/new", {**AGENT, "name": "", "max_iterations": "0", "system_prompt": "Keep <me>"})
    assert page.status_code == 422
    assert 'id="f-name-problem"' in page.text
    assert 'id="f-max_iterations-problem"' in page.text
    assert "Keep &lt;me&gt;" in page.text


async def test_policies_over_the_chosen_tools_are_shown_before_anything_is_saved(owner: Person) -> None:
    match = {"tools": ["comms"]}
    await owner.call("policies.create", {"name": "Ask <first>", "type": "approval", "mode": "pause", "match": match})
    part = await owner.post("/agents/policies", {"name": "Desk", "tools": ["comms.send_email"]}, htmx=True)
    assert part.status_code == 200
    assert "Ask &lt;first&gt;" in part.text
    assert "holds the call for a person" in part.text
    assert "<html" not in part.text
    assert "No tool is chosen" in (await owner.post("/agents/policies", {"name": "Desk"}, htmx=True)).text


async def test_an_agent_is_tried_and_its_run_shown(owner: Person) -> None:
    model = write_script(owner.server.runtime.settings.data_dir, "plain", "All <b>done</b>.")
    agent_id = await made(owner, model=model)
    part = await owner.post(f"/agents/{agent_id}/try", {"task": "Go.", "data": '{"order": 7}'}, htmx=True)
    assert part.status_code == 200
    (run,) = (await owner.call("runs.list", {"agent_id": agent_id})).items
    await finished(owner.server, str(run.id))
    shown = await owner.get(f"/agents/{agent_id}/try/{run.id}", htmx=True)
    assert "All &lt;b&gt;done&lt;/b&gt;." in shown.text
    assert "data-live" not in shown.text
    refused = await owner.post(f"/agents/{agent_id}/try", {"task": "Go.", "data": "[1]"}, htmx=True)
    assert refused.status_code == 422
    assert "must be a JSON object" in refused.text


async def test_what_belongs_to_others_is_not_there_and_members_without_the_scope_may_not(
    server: Server, owner: Person
) -> None:
    agent_id = await made(owner)
    stranger = await signed_in(server, email="stranger@example.com", key=await server.another_workspace())
    assert (await stranger.get(f"/agents/{agent_id}")).status_code == 404
    assert (await stranger.post(f"/agents/{agent_id}/delete")).status_code == 404
    assert (await owner.post(f"/agents/{agent_id}/delete", csrf="wrong")).status_code == 403
    assert (await owner.post(f"/agents/{agent_id}/status", {"status": "paused"})).status_code == 303
    assert (await owner.post(f"/agents/{agent_id}/delete")).headers["location"] == "/agents"
    assert (await owner.get(f"/agents/{agent_id}")).status_code == 404
