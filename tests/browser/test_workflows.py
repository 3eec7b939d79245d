"""The editor of workflows in a real browser: by mouse, by keyboard, on a phone; runs that light up."""

import json
import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from tests.domains.workflows.support import chain, node
from tests.support.browser import Desk, Theme
from tests.support.story import write_script

ANSWER = "You change it under Settings."


async def _create(desk: Desk, nodes: list[dict[str, Any]], edges: list[dict[str, str]], **more: Any) -> str:
    made = await desk.server.api("POST", "/api/v1/workflows", {"name": "Flow", "nodes": nodes, "edges": edges, **more})
    return str(made["id"])


async def _saved(desk: Desk, workflow: str) -> dict[str, Any]:
    found: dict[str, Any] = await desk.server.api("GET", f"/api/v1/workflows/{workflow}")
    return found


async def _open(desk: Desk, workflow: str) -> Page:
    await desk.goto(f"/workflows/{workflow}")
    await expect(desk.page.locator(".wf[data-ready]")).to_be_visible()
    return desk.page


def _drawn(page: Page, key: str) -> Locator:
    return page.locator(f"#node-{key}")


async def _drag(page: Page, source: Locator, target: Locator) -> None:
    start, end = await source.bounding_box(), await target.bounding_box()
    assert start is not None
    assert end is not None
    await page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(end["x"] + end["width"] / 2 - 8, end["y"] + end["height"] / 2 - 4, steps=5)
    await page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2)
    await page.mouse.up()


async def _ran(page: Page) -> None:
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("#wf-progress .badge").first).to_have_text("completed")


async def test_a_newcomer_builds_three_nodes_without_a_manual_and_runs_them(desk: Desk) -> None:
    model = write_script(desk.server.data_dir, "newcomer", ANSWER)
    page = desk.page
    await desk.goto("/workflows")
    await page.get_by_role("link", name="Make the first one").click()
    await page.get_by_label("Name").first.fill("Answers")
    await page.get_by_role("button", name="Open the editor").click()
    await page.get_by_role("button", name="Begin with a trigger").click()
    await page.get_by_role("button", name="Add a node after Trigger").click()
    await page.get_by_role("dialog").get_by_role("button", name="AI Asks a model").click()
    await page.get_by_label("Model").fill(model)
    await page.get_by_role("button", name="Add a node after AI").click()
    await page.get_by_role("dialog").get_by_role("button", name="Output").click()
    await expect(page.locator("#wf-problem-count")).to_have_text("Nothing to mend")
    await _ran(page)
    await expect(page.locator("#wf-saved")).to_have_text("Saved as version 2")
    for key in ("start", "ai", "result"):
        await expect(_drawn(page, key)).to_have_attribute("data-state", "done")
    await page.locator("#wf-progress").get_by_role("button", name="Output").click()
    await expect(page.locator("#wf-given")).to_contain_text(ANSWER)
    await desk.axe()


async def test_nodes_are_dragged_in_connected_moved_and_cut_by_mouse(desk: Desk) -> None:
    workflow = await _create(desk, [], [])
    page = await _open(desk, workflow)
    canvas = page.locator("#wf-canvas")
    kinds = page.locator("#wf-kinds")
    await kinds.get_by_role("button", name="Trigger").drag_to(canvas, target_position={"x": 110, "y": 80})
    await kinds.get_by_role("button", name="Transform").drag_to(canvas, target_position={"x": 350, "y": 260})
    await _drag(page, _drawn(page, "start").locator(".output_1"), _drawn(page, "transform").locator(".input_1"))
    await expect(page.locator("#wf-canvas .connection")).to_have_count(1)
    before = await _drawn(page, "transform").bounding_box()
    face = await _drawn(page, "transform").locator(".wf-name").bounding_box()
    assert before is not None
    assert face is not None
    await page.mouse.move(face["x"] + 10, face["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(face["x"] + 50, face["y"] - 60, steps=4)
    await page.mouse.up()
    after = await _drawn(page, "transform").bounding_box()
    assert after is not None
    assert (round(after["x"] - before["x"]), round(after["y"] - before["y"])) == (40, -65)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#wf-saved")).to_have_text("Saved as version 2")
    found = await _saved(desk, workflow)
    assert found["edges"] == [{"source": "start", "target": "transform", "branch": None}]
    assert found["nodes"][1]["position"]["x"] > found["nodes"][0]["position"]["x"]
    await _drawn(page, "transform").locator(".wf-face").click()
    await page.get_by_role("button", name="Disconnect: ← Trigger").click()
    await expect(page.locator("#wf-canvas .connection")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#wf-canvas .connection")).to_have_count(1)


async def test_everything_is_done_by_keyboard(desk: Desk) -> None:
    workflow = await _create(desk, [node("start", "trigger", sample={"n": 4})], [])
    page = await _open(desk, workflow)
    keys = page.keyboard
    await _drawn(page, "start").locator(".wf-face").focus()
    await keys.press("+")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await keys.press("Tab")
    await keys.press("Enter")  # the second that is suggested: transform
    await expect(page.locator("#wf-panel-title")).to_be_focused()
    await page.get_by_label("Name", exact=True).focus()
    await keys.press("Control+A")
    await keys.type("Double it")
    await page.get_by_role("button", name="Add what comes next").press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Output").press("Enter")
    face = page.get_by_role("button", name=re.compile("^Double it, Transform"))
    await expect(face).to_have_attribute("aria-label", re.compile("leads to Output"))
    await face.focus()
    place = "const {x, y} = document.getElementById('node-transform').getBoundingClientRect(); return [x, y]"
    was = await page.evaluate(f"() => {{ {place} }}")
    await keys.press("ArrowDown")
    assert (await page.evaluate(f"() => {{ {place} }}"))[1] > was[1]
    await expect(page.get_by_role("button", name=re.compile("^Double it, Transform"))).to_be_focused()
    await keys.press("Control+s")
    await expect(page.locator("#wf-saved")).to_have_text("Saved as version 2")
    await page.get_by_role("button", name=re.compile("^Output, Output")).focus()
    await keys.press("Delete")
    await expect(_drawn(page, "result")).to_have_count(0)
    await keys.press("Control+z")
    await expect(_drawn(page, "result")).to_have_count(1)
    await keys.press("Control+Shift+z")
    await expect(_drawn(page, "result")).to_have_count(0)
    found = await _saved(desk, workflow)
    assert [one["name"] for one in found["nodes"]] == ["", "Double it", "Output"]
    assert found["nodes"][1]["position"]["y"] == 80


async def test_what_is_wrong_is_marked_at_its_field_while_it_is_written(desk: Desk) -> None:
    workflow = await _create(
        desk, [node("start", "trigger"), node("if", "condition", when="true")], chain("start", "if")
    )
    page = await _open(desk, workflow)
    await _drawn(page, "if").locator(".wf-face").click()
    when = page.get_by_label("When")
    await when.fill("input.amount >")
    await expect(page.locator("#wf-problem-count")).to_have_text("1 to mend")
    await expect(_drawn(page, "if")).to_have_class(re.compile("has-problem"))
    await expect(when).to_have_attribute("aria-invalid", "true")
    await desk.axe()
    desk.expect_errors(422)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#toasts")).to_contain_text("Not saved")
    await when.fill("input.amount > 5")
    await expect(page.locator("#wf-problem-count")).to_have_text("Nothing to mend")
    await expect(when).not_to_have_attribute("aria-invalid", "true")


async def test_branches_are_ways_on_that_follow_the_settings(desk: Desk) -> None:
    labels = [{"name": "question"}, {"name": "complaint"}]
    workflow = await _create(desk, [node("sort", "classify", labels=labels)], [])
    page = await _open(desk, workflow)
    await expect(_drawn(page, "sort").locator(".output")).to_have_count(3)
    await _drawn(page, "sort").locator(".wf-face").click()
    first = page.locator('[data-path="config.labels.0.name"] input')
    await first.fill("praise")
    await expect(_drawn(page, "sort").locator(".output").first).to_have_attribute("data-branch", "praise")
    await page.get_by_role("button", name="Add a node after classify").click()
    await page.get_by_label("On the way").select_option("complaint")
    await page.get_by_role("dialog").get_by_role("button", name="Output").click()
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#wf-saved")).to_have_text("Saved as version 2")
    assert (await _saved(desk, workflow))["edges"] == [{"source": "sort", "target": "result", "branch": "complaint"}]


async def test_nodes_light_up_live_and_a_gate_is_decided_in_place(desk: Desk) -> None:
    nodes = [node("start", "trigger"), node("ask", "gate"), node("yes", "output"), node("no", "output")]
    edges = [*chain("start", "ask:approved", "yes"), *chain("ask:rejected", "no")]
    workflow = await _create(desk, nodes, edges)
    page = await _open(desk, workflow)
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(_drawn(page, "ask")).to_have_attribute("data-state", "held")
    await expect(_drawn(page, "start")).to_have_attribute("data-state", "done")
    await page.locator("#wf-progress").get_by_role("button", name="Approve").click()
    await expect(_drawn(page, "yes")).to_have_attribute("data-state", "done")
    await expect(_drawn(page, "no")).to_have_attribute("data-state", "skipped")
    await expect(page.locator("#wf-progress .badge").first).to_have_text("completed")
    await desk.axe()


async def test_a_lost_connection_catches_up_with_the_run(desk: Desk) -> None:
    workflow = await _create(desk, [node("ask", "gate"), node("end", "output")], chain("ask:approved", "end"))
    page = await _open(desk, workflow)
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(_drawn(page, "ask")).to_have_attribute("data-state", "held")
    await desk.offline()
    pending = approvals.ListApprovals(status=ApprovalStatus.PENDING)
    (gate,) = (await desk.server.call(approvals.list_, pending)).items
    await desk.server.call(approvals.approve, approvals.Approve(approval_id=gate.id))
    await desk.online()
    await expect(_drawn(page, "end")).to_have_attribute("data-state", "done")


async def test_who_saved_meanwhile_is_asked_about(desk: Desk) -> None:
    workflow = await _create(desk, [node("start", "trigger")], [])
    page = await _open(desk, workflow)
    await desk.server.api("PATCH", f"/api/v1/workflows/{workflow}", {"nodes": [node("theirs", "trigger")]})
    await page.get_by_role("button", name="Add a node after").click()
    await page.get_by_role("dialog").get_by_role("button", name="Output").click()
    desk.expect_errors(409)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#wf-conflict")).to_contain_text("version 2 now")
    await page.get_by_role("button", name="Save mine as the newest").click()
    await expect(page.locator("#wf-saved")).to_have_text("Saved as version 3")
    assert [one["id"] for one in (await _saved(desk, workflow))["nodes"]] == ["start", "result"]


async def test_what_was_not_saved_is_there_again_after_a_reload(desk: Desk) -> None:
    workflow = await _create(desk, [node("start", "trigger")], [])
    page = await _open(desk, workflow)
    await page.get_by_role("button", name="Add a node after").click()
    await page.get_by_role("dialog").get_by_role("button", name="Output").click()
    await _open(desk, workflow)
    await expect(_drawn(page, "result")).to_have_count(0)
    await page.get_by_role("button", name="Take them up again").click()
    await expect(_drawn(page, "result")).to_have_count(1)


async def test_on_a_phone_the_graph_is_a_list(desk: Desk) -> None:
    workflow = await _create(desk, [node("start", "trigger"), node("end", "output")], chain("start", "end"))
    themes: tuple[Theme, ...] = ("light", "dark")
    for theme in themes:
        await desk.at(390, theme)
        await expect((await _open(desk, workflow)).locator("#wf-outline li")).to_have_count(2)
        await desk.fits()
        await desk.axe()
    await (
        desk.page.locator("#wf-outline")
        .get_by_role("button", name="start")
        .or_(desk.page.locator("#wf-outline button").first)
        .first.click()
    )
    await desk.page.get_by_role("button", name="Add what comes next").click()
    await desk.page.get_by_role("dialog").get_by_role("button", name="AI Asks a model").click()
    await expect(desk.page.locator("#wf-outline li")).to_have_count(3)
    for path in ("", "/new", "/templates", f"/{workflow}/document", f"/{workflow}/versions", f"/{workflow}/settings"):
        await desk.goto(f"/workflows{path}")
        await desk.fits()
        await desk.axe()


async def test_tools_agents_and_tables_are_chosen_from_lists(desk: Desk) -> None:
    agent = await desk.server.api(
        "POST", "/api/v1/agents", {"name": "Researcher", "model": "default", "system_prompt": "Be brief."}
    )
    workflow = await _create(desk, [node("start", "trigger")], [])
    page = await _open(desk, workflow)
    await page.locator("#wf-kinds").get_by_role("button", name="Agent").click()
    await page.get_by_label("Agent", exact=True).select_option(label="Researcher")
    await page.locator("#wf-kinds").get_by_role("button", name="Tool", exact=True).click()
    await page.locator("#wf-panel").get_by_label("Tool", exact=True).fill("comms.send_slack_message")
    await expect(page.get_by_label("Value of channel")).to_be_visible()
    await page.get_by_label("Value of channel").fill("#support")
    await page.get_by_label("Value of text").fill("{{ trigger.text }}")
    await expect(page.locator("#wf-problem-count")).to_have_text("Nothing to mend")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#wf-saved")).to_have_text("Saved as version 2")
    found = await _saved(desk, workflow)
    assert found["nodes"][1]["config"]["agent_id"] == agent["id"]
    assert found["nodes"][2]["config"]["arguments"] == {"channel": "#support", "text": "{{ trigger.text }}"}


async def test_a_hundred_nodes_are_drawn_quickly_enough(desk: Desk) -> None:
    nodes = [node("start", "trigger"), *(node(f"n{number}", "transform", expression="1") for number in range(100))]
    workflow = await _create(desk, nodes, chain("start", *(f"n{number}" for number in range(100))))
    page = await _open(desk, workflow)
    await expect(page.locator("#wf-canvas .connection")).to_have_count(100)
    await expect(page.locator("#wf-problem-count")).to_have_text("Nothing to mend")
    data = json.loads(await page.locator("#workflow-data").get_attribute("data-json") or "")
    assert len(data["nodes"]) == 101
