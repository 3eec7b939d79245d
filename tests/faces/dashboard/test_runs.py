"""Runs in the dashboard over HTTP: lists and filters, one run, what can be done about it, whose it is."""

import json
from typing import Any

import pytest

from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server
from tests.support.story import finished, write_script


@pytest.fixture
async def owner(server: Server) -> Person:
    """Somebody who may do everything."""
    return await signed_in(server)


async def ran(person: Person, *, text: str = "Done.", name: str = "Desk") -> str:
    """The id of a run of an agent that has answered."""
    model = write_script(person.server.runtime.settings.data_dir, f"says-{len(text)}", text)
    agent = await person.call("agents.create", {"name": name, "model": model})
    order = {"agent_id": agent.id, "input_data": {"task": "Say <it>."}}
    run = await person.call("runs.start_agent", order)
    await finished(person.server, str(run.id))
    return str(run.id)


async def test_the_list_is_filtered_by_its_address(owner: Person) -> None:
    assert "No run yet" in (await owner.get("/runs")).text
    run_id = await ran(owner, name="Night desk")
    page = await owner.get("/runs?status=completed&kind=agent&name=night&since=2020-01-01&until=2099-12-31&trigger=")
    assert f'href="/runs/{run_id}"' in page.text
    assert 'hx-get="/runs/list?status=completed&amp;kind=agent&amp;name=night' in page.text
    part = await owner.get("/runs/list?status=failed", htmx=True)
    assert "No run fits" in part.text
    assert "<html" not in part.text
    assert (await owner.get("/runs?status=nonsense")).status_code == 422
    assert (await owner.get("/runs?since=yesterday")).status_code == 422


async def test_one_run_shows_its_steps_and_keeps_its_words_apart_from_the_page(owner: Person) -> None:
    run_id = await ran(owner, text="All <i>fine</i>.")
    page = await owner.get(f"/runs/{run_id}")
    assert page.status_code == 200
    assert "Say &lt;it&gt;." in page.text
    assert f'id="step-{run_id}-0"' in page.text
    step = await owner.get(f"/runs/{run_id}/steps/0", htmx=True)
    assert "All &lt;i&gt;fine&lt;/i&gt;." in step.text
    assert (await owner.get(f"/runs/{run_id}/steps/9", htmx=True)).status_code == 404
    assert (await owner.get(f"/runs/{run_id}/nested", htmx=True)).status_code == 200


async def test_events_and_results_can_be_kept(owner: Person) -> None:
    run_id = await ran(owner)
    assert "run.completed" in (await owner.get(f"/runs/{run_id}/events")).text
    lines = (await owner.get(f"/runs/{run_id}/events.ndjson")).text.splitlines()
    assert json.loads(lines[-1])["type"] == "run.completed"
    whole = await owner.get(f"/runs/{run_id}/result.json")
    assert whole.json()["output"] == {"text": "Done."}
    assert "attachment" in whole.headers["content-disposition"]
    assert (await owner.get(f"/runs/{run_id}/steps/0.json")).json()["said"]["text"] == "Done."


async def test_a_run_is_repeated_from_a_step_and_what_cannot_be_done_is_said(owner: Person) -> None:
    run_id = await ran(owner)
    again = await owner.post(f"/runs/{run_id}/again", {"kind": "agent", "from_step": "0"})
    assert again.status_code == 303
    other = again.headers["location"].rpartition("/")[2]
    assert (await finished(owner.server, other))["retry_of"] == run_id
    refused = await owner.post(f"/runs/{run_id}/cancel", htmx=True)
    assert refused.status_code == 409
    assert refused.headers["hx-retarget"] == "#toasts"
    assert (await owner.post(f"/runs/{run_id}/again", {"from_step": "7"}, htmx=True)).status_code == 422


async def test_a_held_call_is_decided_inline(owner: Person) -> None:
    match = {"tools": ["comms"]}
    await owner.call("policies.create", {"name": "Ask", "type": "approval", "mode": "pause", "match": match})
    call = {"tool": "comms.send_email", "arguments": {"to": "a@example.com", "subject": "Hi", "body": "Hello."}}
    folder = owner.server.runtime.settings.data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    turns: list[dict[str, Any]] = [{"tool_calls": [call]}, {"text": "Done."}]
    (folder / "mails.json").write_text(json.dumps({"label": "mails", "turns": turns}))
    agent = {"name": "Desk", "model": "scripted:mails", "tools": ["comms"]}
    made = await owner.call("agents.create", agent)
    run = await owner.call("runs.start_agent", {"agent_id": made.id, "input_data": {"task": "Write."}})
    ctx = await owner.server.ctx()
    async for event in owner.server.runtime.streams.follow(ctx, f"run:{run.id}", 0):
        if event is not None and event.type == "tool.held":
            break
    (waiting,) = (await owner.call("approvals.list", {"status": "pending"})).items
    page = await owner.get(f"/runs/{run.id}")
    assert f'formaction="/runs/{run.id}/approvals/{waiting.id}/reject"' in page.text
    rejected = await owner.post(f"/runs/{run.id}/approvals/{waiting.id}/reject", {"comment": "Not now."})
    assert rejected.status_code == 303
    await finished(owner.server, str(run.id))
    assert "Not now." in (await owner.get(f"/runs/{run.id}")).text


async def test_runs_of_others_are_not_there(server: Server, owner: Person) -> None:
    run_id = await ran(owner)
    stranger = await signed_in(server, email="stranger@example.com", key=await server.another_workspace())
    for path in ("", "/story", "/nested", "/events", "/events.ndjson", "/result.json", "/steps/0"):
        assert (await stranger.get(f"/runs/{run_id}{path}")).status_code == 404, path
    for path in ("/cancel", "/again"):
        assert (await stranger.post(f"/runs/{run_id}{path}")).status_code == 404, path
    assert (await owner.post(f"/runs/{run_id}/again", csrf="wrong")).status_code == 403
