"""Agents and runs in a browser: made, tried beside the form, watched live, decided inline, replayed, restored."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from interlock.domains.connectors.service import ConnectAccount, connect
from interlock.sandbox import ProviderName, Sandbox, serve
from tests.support.browser import Desk, Theme
from tests.support.places import Place
from tests.support.story import CREDENTIALS

SIZES: tuple[tuple[int, Theme], ...] = ((1280, "light"), (390, "dark"))
SHOTS = os.environ.get("INTERLOCK_SHOTS")
SLACK = {"tool": "comms.send_slack_message", "arguments": {"channel": "#refunds", "text": "Refunded CH-1."}}
TURNS: list[dict[str, Any]] = [
    {"text": "I tell the team first.", "tool_calls": [SLACK]},
    {"text": "The team knows, and the customer has been told."},
]


@pytest.fixture
async def sandbox(place: Place) -> AsyncIterator[Sandbox]:
    """A pretend outside world, connected."""
    async with serve() as running:
        for integration, provider, credentials in CREDENTIALS:
            account = {"id": integration, "base_url": running.url(ProviderName(provider)), "credentials": credentials}
            await place.call(connect, ConnectAccount.model_validate(account))
        yield running


def script(place: Place, name: str, turns: list[dict[str, Any]]) -> str:
    """A model that plays these turns."""
    folder: Path = place.data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"label": name, "turns": turns}))
    return f"scripted:{name}"


async def held_policy(place: Place) -> None:
    """Slack messages wait for a person."""
    policy = {"name": "Ask before posting", "type": "approval", "mode": "pause", "match": {"tools": ["comms"]}}
    await place.api("POST", "/api/v1/policies", policy)


async def looked_at(desk: Desk, name: str) -> None:
    """Accessible and no wider than the screen, on a desk and on a phone, light and dark."""
    for width, theme in SIZES:
        await desk.at(width, theme)
        await desk.axe()
        await desk.fits()
        if SHOTS:
            await desk.page.screenshot(path=f"{SHOTS}/{name}-{width}-{theme}.png", full_page=True)
    await desk.at(1280)


async def agent_of(place: Place, model: str, **values: Any) -> str:
    """An agent that may post to Slack."""
    made = {"name": "Refund desk", "model": model, "tools": ["comms.send_slack_message"], **values}
    return str((await place.api("POST", "/api/v1/agents", made))["id"])


async def test_an_agent_is_made_tried_and_its_held_call_approved_beside_the_form(desk: Desk, sandbox: Sandbox) -> None:
    await held_policy(desk.server)
    model = script(desk.server, "refund-try", TURNS)
    page = desk.page
    await desk.goto("/agents")
    await page.get_by_role("link", name="Make the first agent").click()
    await page.get_by_label("Name", exact=True).fill("Refund desk")
    await page.get_by_label("Model", exact=True).select_option(model)
    await page.get_by_label("Instructions").fill("You handle refunds.")
    await page.get_by_label("Search tools").fill("slack")
    await page.get_by_label("comms.send_slack_message").check()
    await expect(page.locator("#standing")).to_contain_text("Ask before posting")
    await looked_at(desk, "agent-new")
    await page.get_by_role("button", name="Make the agent").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Refund desk")
    await page.get_by_label("Task").fill("Tell the team.")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("#tried .gate")).to_contain_text("A person must decide")
    await looked_at(desk, "agent-tried")
    await page.locator("#tried").get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    await expect(page.locator("#story")).to_contain_text("and the customer has been told")
    assert len(sandbox.state.effects_of(ProviderName.SLACK)) == 1


async def test_a_run_is_watched_without_reloading_and_repeated_from_a_step(desk: Desk, sandbox: Sandbox) -> None:
    await held_policy(desk.server)
    agent_id = await agent_of(desk.server, script(desk.server, "refund-watch", TURNS))
    page = desk.page
    await desk.goto("/runs")
    await expect(page.locator("#runs-list")).to_contain_text("No run yet")
    order = {"input_data": {"task": "Tell the team.", "order": {"id": 7}}}
    run_id = (await desk.server.api("POST", f"/api/v1/agents/{agent_id}/run", order))["run_id"]
    row = page.locator(f"#row-{run_id}")
    await expect(row).to_contain_text("waiting approval")
    await looked_at(desk, "runs-list")
    await row.get_by_role("link", name="Refund desk").click()
    await expect(page.locator(".timeline .step")).to_have_count(2)
    said = page.locator(f"#step-{run_id}-0 details[id^=open-]")
    await said.locator("summary").click()
    await expect(said).to_contain_text("I tell the team first.")
    await looked_at(desk, "run-held")
    approval = (await desk.server.api("GET", "/api/v1/approvals"))[0]["id"]
    await desk.server.api("POST", f"/api/v1/approvals/{approval}/approve")
    await expect(page.locator(".head .badge").first).to_have_text("completed")
    await expect(page.locator(".timeline .step")).to_have_count(3)
    await expect(said).to_contain_text("I tell the team first.")
    await expect(said).to_have_attribute("open", "")
    call = page.locator(f"#step-{run_id}-1 details[id^=open-]")
    await call.locator("summary").click()
    await expect(call).to_contain_text("#refunds")
    await looked_at(desk, "run-done")
    await page.locator(f"#step-{run_id}-2").get_by_role("button", name="Replay from here").click()
    await expect(page.locator(".head")).to_contain_text("repeats an earlier run")
    await expect(page.locator(".head .badge").first).to_have_text("completed")
    await expect(page.locator(".timeline .taken")).to_have_count(2)
    assert len(sandbox.state.effects_of(ProviderName.SLACK)) == 1


async def test_raw_events_are_one_click_away_and_can_be_kept(desk: Desk) -> None:
    agent_id = await agent_of(desk.server, script(desk.server, "refund-raw", TURNS[1:]))
    run_id = (await desk.server.api("POST", f"/api/v1/agents/{agent_id}/run", {"input_data": {"task": "Go."}}))[
        "run_id"
    ]
    await desk.goto(f"/runs/{run_id}")
    await expect(desk.page.locator(".head .badge").first).to_have_text("completed")
    await desk.page.get_by_role("link", name="Raw events").click()
    await expect(desk.page.locator("tbody")).to_contain_text("model.answered")
    await looked_at(desk, "run-events")
    async with desk.page.expect_download() as loading:
        await desk.page.get_by_role("link", name="Download all").click()
    path = await (await loading.value).path()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["type"] == "run.completed"


async def test_a_waiting_run_is_paused_and_cancelled_after_a_question(desk: Desk, sandbox: Sandbox) -> None:
    await held_policy(desk.server)
    agent_id = await agent_of(desk.server, script(desk.server, "refund-stop", TURNS))
    run_id = (await desk.server.api("POST", f"/api/v1/agents/{agent_id}/run", {"input_data": {"task": "Go."}}))[
        "run_id"
    ]
    page = desk.page
    await desk.goto(f"/runs/{run_id}")
    await expect(page.locator(".gate")).to_be_visible()
    await page.get_by_role("button", name="Cancel", exact=True).first.click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.locator(".head .badge").first).to_have_text("cancelled")
    assert sandbox.state.effects_of(ProviderName.SLACK) == []


async def test_what_a_workflow_started_opens_inside_of_its_timeline(desk: Desk) -> None:
    nodes: list[dict[str, Any]] = [
        {"id": "start", "kind": "trigger"},
        {"id": "desk", "kind": "agent", "config": {}},
        {"id": "end", "kind": "output", "config": {"value": "{{ nodes.desk.output.text }}"}},
    ]
    agent_id = await agent_of(desk.server, script(desk.server, "refund-child", TURNS[1:]), tools=[])
    nodes[1]["config"] = {"agent_id": agent_id, "task": "Tell them."}
    edges = [{"source": "start", "target": "desk"}, {"source": "desk", "target": "end"}]
    made = await desk.server.api("POST", "/api/v1/workflows", {"name": "Night shift", "nodes": nodes, "edges": edges})
    run_id = (await desk.server.api("POST", f"/api/v1/workflows/{made['id']}/run", {"input_data": {}}))["run_id"]
    page = desk.page
    await desk.goto(f"/runs/{run_id}")
    await expect(page.locator(".head .badge").first).to_have_text("completed")
    child = page.locator("details[id^=child-]")
    await child.locator("summary").first.click()
    await expect(child).to_contain_text("Refund desk")
    await expect(page.get_by_role("heading", name="Started by this run")).to_be_visible()
    await looked_at(desk, "run-nested")
    await page.locator(f"#step-{run_id}-1").get_by_role("button", name="Replay from here").first.click()
    await expect(page.locator(".head")).to_contain_text("repeats an earlier run")


async def test_versions_show_what_changed_and_can_be_taken_back(desk: Desk) -> None:
    model = script(desk.server, "refund-versions", TURNS)
    agent_id = await agent_of(desk.server, model, system_prompt="Be kind.\nBe brief.")
    page = desk.page
    await desk.goto(f"/agents/{agent_id}")
    await page.get_by_label("Instructions").fill("Be kind.\nBe thorough.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#toasts")).to_contain_text("Saved as version 2")
    await page.get_by_role("link", name="Version 2").click()
    newest = page.locator("#version-2")
    await expect(newest.locator("ins")).to_contain_text("Be thorough.")
    await expect(newest.locator("del")).to_contain_text("Be brief.")
    await looked_at(desk, "agent-versions")
    await page.locator("#version-1").get_by_role("button", name="Restore").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.get_by_label("Instructions")).to_have_value("Be kind.\nBe brief.")
    await expect(page.get_by_role("link", name="Version 3")).to_be_visible()
    await desk.goto("/agents")
    await looked_at(desk, "agents-list")
