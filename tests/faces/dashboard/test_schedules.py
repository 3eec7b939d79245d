"""Schedules as pages: planned with a preview, listed with a calendar, paused, fired, changed, deleted."""

from typing import Any

import pytest

from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server

YEARLY = "0 12 1 1 *"


async def agent(owner: Person) -> str:
    return str((await owner.call("agents.create", {"name": "clerk", "model": "scripted:nothing"})).id)


async def schedule(owner: Person, **more: Any) -> str:
    values = {"name": "round", "agent_id": await agent(owner), "text": YEARLY, "input_data": {"task": "Look."}, **more}
    return str((await owner.call("schedules.create", values)).id)


async def test_without_schedules_the_page_teaches(owner: Person) -> None:
    page = await owner.get("/schedules")
    assert page.status_code == 200
    assert "Nothing is planned" in page.text
    assert page.text.count("<li") >= 7


async def test_a_schedule_is_planned_from_words(owner: Person) -> None:
    target = await agent(owner)
    assert f"agent:{target}" in (await owner.get("/schedules/new")).text
    fields = {
        "name": "Morning",
        "text": "every weekday at 9am",
        "time_zone": "Europe/Berlin",
        "target": f"agent:{target}",
        "input_data": '{"task": "Read the mail."}',
        "overlap": "skip",
        "catch_up": "none",
    }
    made = await owner.post("/schedules/new", fields)
    assert made.status_code == 303, made.text
    page = (await owner.get(made.headers["location"])).text
    assert "every weekday at 9am" in page
    assert "clerk" in page
    assert "does not make up for it" in page
    assert "Morning" in (await owner.get("/schedules/strip", htmx=True)).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": "every other Tuesday"}, "was not understood"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"input_data": "[1]"}, "must be a JSON object"),
        ({"target": ""}, "workflow_id"),
        ({"name": ""}, "name"),
        ({"max_firings": "0"}, "greater than or equal to 1"),
        ({"expires_at": "tomorrow"}, "no date and time"),
    ],
)
async def test_a_bad_form_comes_back_with_what_is_wrong(owner: Person, change: dict[str, str], words: str) -> None:
    fields = {"name": "x", "text": "daily", "time_zone": "UTC", "target": f"agent:{await agent(owner)}", **change}
    answer = await owner.post("/schedules/new", fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'class="problem"' in answer.text


async def test_the_preview_says_what_words_mean(owner: Person) -> None:
    good = await owner.get("/schedules/preview?text=every+weekday+at+9am&time_zone=Europe/Berlin", htmx=True)
    assert "Monday through Friday" in good.text
    assert good.text.count("<li>") == 5
    bad = await owner.get("/schedules/preview?text=now+and+then&time_zone=UTC", htmx=True)
    assert (bad.status_code, "was not understood" in bad.text or "problem" in bad.text) == (200, True)
    assert "the next five times appear" in (await owner.get("/schedules/preview", htmx=True)).text


async def test_it_rests_wakes_fires_and_goes(owner: Person) -> None:
    key = await schedule(owner)
    paused = await owner.post(f"/schedules/{key}/pause", {"back": "list"})
    assert paused.headers["location"] == "/schedules"
    assert "It rests." in (await owner.get(f"/schedules/{key}")).text
    assert (await owner.post(f"/schedules/{key}/resume")).headers["location"] == f"/schedules/{key}"
    fired = await owner.post(f"/schedules/{key}/run")
    assert fired.headers["location"].startswith("/runs/run_")
    assert "by hand" in (await owner.get(f"/schedules/{key}/firings", htmx=True)).text
    assert (await owner.post(f"/schedules/{key}/delete")).headers["location"] == "/schedules"
    assert (await owner.get(f"/schedules/{key}")).status_code == 404


async def test_a_change_of_the_name_leaves_the_rhythm(owner: Person) -> None:
    key = await schedule(owner, text="every 2 hours")
    before = await owner.call("schedules.get", {"schedule_id": key})
    form = {"name": "renamed", "text": "every 2 hours", "time_zone": "UTC", "target": f"agent:{before.agent_id}"}
    assert (await owner.post(f"/schedules/{key}/edit", form)).status_code == 303
    after = await owner.call("schedules.get", {"schedule_id": key})
    assert (after.name, after.anchor_at, after.next_fire_at) == ("renamed", before.anchor_at, before.next_fire_at)
    assert (await owner.post(f"/schedules/{key}/edit", {**form, "text": "daily"})).status_code == 303
    assert (await owner.call("schedules.get", {"schedule_id": key})).kind == "cron"
    assert 'value="renamed"' in (await owner.get(f"/schedules/{key}/edit")).text


async def test_another_workspace_and_a_foreign_form_get_nothing(server: Server, owner: Person) -> None:
    key = await schedule(owner)
    stranger = await signed_in(server, email="else@example.com", key=await server.another_workspace())
    assert (await stranger.get(f"/schedules/{key}")).status_code == 404
    assert (await stranger.post(f"/schedules/{key}/delete")).status_code == 404
    assert (await owner.post(f"/schedules/{key}/delete", csrf="wrong")).status_code == 403


async def test_the_calendar_is_the_viewers(server: Server, owner: Person) -> None:
    await schedule(owner, text="every 2 hours")
    headers = {"cookie": f"{owner.cookies['cookie']}; interlock_zone=Asia%2FKathmandu"}
    page = await server.http.get("/schedules", headers=headers)
    assert "Asia/Kathmandu" in page.text
