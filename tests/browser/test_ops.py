"""Schedules, webhooks, settings and the inbox in a real browser: what people come for, and how it looks."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from tests.support.browser import Desk, Theme

pytestmark = pytest.mark.browser
LOOKS: tuple[tuple[int, Theme], ...] = ((390, "light"), (1280, "dark"))


async def looked_over(desk: Desk, *paths: str) -> None:
    """Open pages on a phone and a screen, in both themes; nothing sticks out, axe-core finds nothing serious."""
    for path in paths:
        answer = await desk.goto(path)
        assert answer.status == 200, path
        for width, theme in LOOKS:
            await desk.at(width, theme)
            await desk.axe()
            await desk.fits()
    await desk.at(1280)


async def agent(desk: Desk) -> str:
    made: Any = await desk.server.api("POST", "/api/v1/agents", {"name": "clerk", "model": "scripted:nothing"})
    return str(made["id"])


async def workflow(desk: Desk) -> str:
    made: Any = await desk.server.api("POST", "/api/v1/workflows", {"name": "Take an order"})
    await desk.server.api("PATCH", f"/api/v1/workflows/{made['id']}", {"status": "published"})
    return str(made["id"])


async def test_a_schedule_is_planned_with_a_live_preview(desk: Desk) -> None:
    await agent(desk)
    page = desk.page
    await desk.goto("/schedules")
    await page.get_by_role("link", name="Plan something").click()
    await page.get_by_label("Name", exact=False).first.fill("Morning round")
    await page.locator("#f-text").fill("every weekday at 9am")
    await page.get_by_label("Time zone").fill("Europe/Berlin")
    await expect(page.locator("#preview")).to_contain_text("Monday through Friday")
    await expect(page.locator("#preview li")).to_have_count(5)
    await page.locator("#f-text").fill("now and then")
    await expect(page.locator("#preview .problem")).to_be_visible()
    await page.locator("#f-text").fill("every 3 hours")
    await page.get_by_label("What it starts").select_option(label="clerk")
    await page.get_by_label("Input of each run").fill('{"task": "Look around."}')
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Morning round")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("It rests.", exact=True)).to_be_visible()
    path = "/" + page.url.split("/", 3)[3]
    await looked_over(desk, "/schedules", "/schedules/new", path, f"{path}/edit")


async def test_the_list_of_schedules_follows_what_others_do(desk: Desk) -> None:
    await desk.goto("/schedules")
    await expect(desk.page.locator("html[data-connected]")).to_be_attached()
    body = {"name": "From elsewhere", "agent_id": await agent(desk), "text": "every hour", "input_data": {"task": "x"}}
    await desk.server.api("POST", "/api/v1/schedules", body)
    await expect(desk.page.get_by_role("link", name="From elsewhere").first).to_be_visible()
    await expect(desk.page.locator("#strip")).to_contain_text("From elsewhere")


async def test_a_hook_is_made_called_and_called_again(desk: Desk) -> None:
    await workflow(desk)
    page = desk.page
    await desk.goto("/webhooks/hooks/new")
    await page.get_by_label("Name", exact=False).first.fill("Orders")
    await page.get_by_label("Workflow it starts").select_option(label="Take an order")
    await page.get_by_label("No secret").check()
    await page.get_by_role("button", name="Make the hook").click()
    await expect(page.get_by_role("heading", name="This hook is open")).to_be_visible()
    address = await page.locator(".card code").first.inner_text()
    await page.get_by_role("link", name="I have kept it").click()
    await expect(page.get_by_text("No call on record")).to_be_visible()
    await expect(page.locator("html[data-connected]")).to_be_attached()
    answer = await desk.server.server.http.post(address, content=b'{"order": "NW-10482"}')
    assert answer.status_code == 200, answer.text
    await page.locator("#calls td a").first.click()
    await expect(page.locator("pre code")).to_contain_text("NW-10482")
    await page.get_by_role("button", name="Make it again").click()
    await page.get_by_role("button", name="Yes, go on").click()
    await expect(page.get_by_role("link", name="an earlier call")).to_be_visible()
    path = "/" + page.url.split("/", 3)[3]
    await looked_over(desk, "/webhooks", re.sub("/calls/.*", "", path), path)


async def test_who_is_told_is_told_a_test(desk: Desk) -> None:
    page = desk.page
    await desk.goto("/webhooks/subscriptions/new")
    await page.get_by_label("Address").fill("http://127.0.0.1:9/in")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The secret, shown this once")).to_be_visible()
    await desk.axe()
    await page.get_by_role("link", name="I have kept it").click()
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.locator("h1")).to_have_text("test.ping")
    await expect(page.get_by_text("no answer")).to_be_visible()
    path = "/" + page.url.split("/", 3)[3]
    await looked_over(desk, "/webhooks/subscriptions", "/webhooks/subscriptions/new", "/webhooks/deliveries", path)


async def test_the_inbox_is_read_and_fills_by_itself(desk: Desk) -> None:
    page = desk.page
    await desk.goto("/inbox")
    await expect(page.locator("html[data-connected]")).to_be_attached()
    async with (await desk.server.ctx()).begin() as ctx:
        news = {"kind": NotificationKind.SYSTEM, "level": NotificationLevel.ERROR, "title": "The disk is nearly full"}
        await notify(ctx, NewNotification.model_validate({**news, "body": "Free some space."}))
    await expect(page.get_by_text("The disk is nearly full")).to_be_visible()
    await looked_over(desk, "/inbox")
    await page.get_by_role("button", name="Read", exact=True).click()
    await expect(page.get_by_text("All read.")).to_be_visible()
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.get_by_text("No news")).to_be_visible()


async def test_a_key_is_made_and_every_section_looks_right(desk: Desk) -> None:
    page = desk.page
    await agent(desk)
    await desk.goto("/settings")
    await page.get_by_role("navigation", name="Settings").get_by_role("link", name="API keys").click()
    await page.get_by_label("Name", exact=False).first.fill("shop")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.locator(".secret code")).to_contain_text("sk_live_")
    await desk.axe()
    names = ("providers", "providers/new", "keys", "integrations", "integrations/int_slack", "people", "clients")
    more = ("platforms", "chatbots", "chatbots/new", "registry", "workspace", "account")
    await looked_over(desk, "/settings", *(f"/settings/{name}" for name in (*names, *more)))
    await desk.goto("/settings/registry")
    await page.get_by_role("link", name="clerk").click()
    path = "/" + page.url.split("/", 3)[3]
    await looked_over(desk, path)


async def test_a_provider_is_tested_with_a_button(desk: Desk) -> None:
    page = desk.page
    await desk.goto("/settings/providers")
    await page.get_by_role("row", name="local").get_by_role("button", name="Test").click()
    await expect(page.get_by_text("local answers")).to_be_visible()
    await expect(page.get_by_role("row", name="local").first).to_contain_text("healthy")
