"""Approvals by keyboard, policies tried before they are saved, evidence verified, yesterday's cost found."""

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.models import spend_days
from interlock.domains.governance.budgets.service import Settle
from interlock.domains.governance.budgets.views import UsageKind
from tests.support.browser import Desk, Theme
from tests.support.places import Place

SCREENS: tuple[tuple[int, Theme], ...] = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))


async def looks_right(desk: Desk, name: str) -> None:
    """Nothing serious for axe-core and nothing sticking out, on every screen; pictures where a folder is named."""
    for width, theme in SCREENS:
        await desk.at(width, theme)
        await desk.axe()
        await desk.fits()
        if folder := os.environ.get("PICTURES"):
            await desk.page.screenshot(path=Path(folder) / f"{name}-{width}-{theme}.png", full_page=True)
    await desk.at(1280)


async def hold(place: Place, tool: str, args: dict[str, Any], *keys: str) -> list[str]:
    """Checks that a policy holds, one for each idempotency key; returns their approvals."""
    listed = await place.api("GET", "/api/v1/policies")
    if not any(policy["match"]["tools"] == [tool] for policy in listed):
        policy = {"name": f"Ask about {tool}", "type": "approval", "mode": "pause", "match": {"tools": [tool]}}
        await place.api("POST", "/api/v1/policies", {**policy, "config": {"reason": "Money leaves the house."}})
    found = []
    for key in keys:
        body = {"tool": tool, "args": args, "agent_id": "refund-desk", "idempotency_key": key}
        verdict = await place.api("POST", "/api/v1/check-action", body)
        found.append(verdict["escalation_id"])
    return found


async def spend(place: Place, cost: str, reference: str, **values: Any) -> None:
    async with (await place.ctx()).begin() as ctx:
        given = {"kind": UsageKind.MODEL, "cost": Decimal(cost), "reference": reference, **values}
        await budgets.settle(ctx, Settle.model_validate(given))


async def test_the_inbox_by_keyboard(desk: Desk) -> None:
    privacy = {"name": "Mask mail", "type": "data_privacy", "mode": "log", "config": {}}
    await desk.server.api("POST", "/api/v1/policies", privacy)
    await hold(desk.server, "payments.refund", {"amount": 500, "to": "ann@example.com"}, "a", "b", "c")
    await hold(desk.server, "comms.post", {"channel": "#ops", "text": "Deploying " + "now " * 30}, "d")
    await desk.goto("/approvals")
    page = desk.page
    await expect(page.locator("[data-item]")).to_have_count(2)
    await expect(page.get_by_text("3 identical")).to_be_visible()
    await looks_right(desk, "approvals")
    await page.keyboard.press("j")
    await expect(page.locator("[data-item]").first).to_be_focused()
    await page.keyboard.press("x")
    await expect(page.get_by_text("3 picked")).to_be_visible()
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("r")
    comment = page.get_by_label("Why it is rejected").nth(1)
    await expect(comment).to_be_focused()
    await page.keyboard.type("jar")
    await expect(comment).to_have_value("jar")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Rejected.")).to_be_visible()
    await expect(page.locator("[data-item]")).to_have_count(1)
    await page.keyboard.press("Shift+?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await expect(page.get_by_text("3 approved.")).to_be_visible()
    await expect(page.get_by_text("Nothing waits for you")).to_be_visible()


async def test_a_request_arrives_without_reload_and_is_edited(desk: Desk) -> None:
    await desk.goto("/approvals")
    page = desk.page
    await expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    await expect(page.locator("html[data-connected]")).to_be_attached()
    await hold(desk.server, "payments.refund", {"amount": 500}, "a")
    item = page.locator("[data-item]")
    await expect(item).to_have_count(1)
    await item.get_by_role("link", name="payments.refund", exact=True).click()
    await expect(page.get_by_role("heading", name="payments.refund")).to_be_visible()
    await page.keyboard.press("e")
    await page.get_by_label("In its place").fill('{"amount": ')
    desk.expect_errors(422)
    await page.get_by_role("button", name="Approve as edited").click()
    await expect(page.get_by_text("This is not JSON").first).to_be_visible()
    await looks_right(desk, "approval")
    await page.get_by_label("In its place").fill('{"amount": 200}')
    await page.get_by_role("button", name="Approve as edited").click()
    await expect(page.get_by_text("Approved as edited.")).to_be_visible()
    await expect(page.locator("#standing")).to_contain_text("approved")
    await desk.goto("/approvals/decided")
    await looks_right(desk, "approvals-decided")


async def test_a_policy_is_tried_before_it_is_saved(desk: Desk) -> None:
    for number in range(3):
        await desk.server.api("POST", "/api/v1/check-action", {"tool": "payments.refund", "args": {"amount": number}})
    await desk.goto("/policies")
    await looks_right(desk, "policies-empty")
    page = desk.page
    await page.get_by_role("link", name="A person agrees to payments").click()
    await page.get_by_role("button", name="Dry run over the last 100 decisions").click()
    await expect(page.get_by_text("3 of the last 3")).to_be_visible()
    await page.get_by_label("Tool", exact=True).fill("payments.refund")
    await page.get_by_role("button", name="Try").click()
    await expect(page.locator("#tried")).to_contain_text("Money leaves the house.")
    await looks_right(desk, "policy")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved; the next verdict obeys it.")).to_be_visible()
    await page.get_by_role("link", name="JSON").click()
    await expect(page.get_by_role("textbox", name="The policy")).to_contain_text('"mode": "pause"')
    await page.get_by_role("link", name="Policies").first.click()
    await expect(page.get_by_role("cell", name="pause")).to_be_visible()
    await looks_right(desk, "policies")


async def test_evidence_is_filtered_read_and_verified(desk: Desk) -> None:
    await hold(desk.server, "payments.refund", {"amount": 500}, "a")
    await desk.server.api("POST", "/api/v1/check-action", {"tool": "crm.create", "args": {}})
    await desk.goto("/audit")
    page = desk.page
    await page.get_by_role("button", name="Verify the chain").click()
    await expect(page.get_by_text("The chain is whole.")).to_be_visible()
    await looks_right(desk, "audit")
    await page.get_by_label("Tool").fill("crm.create")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    assert "tool=crm.create" in page.url
    await page.get_by_role("link", name="Entry 3").click()
    await expect(page.get_by_text("Its place in the chain")).to_be_visible()
    await looks_right(desk, "audit-entry")
    await desk.goto("/audit/log")
    await looks_right(desk, "audit-log")


async def test_what_yesterday_cost_is_seen_at_once(desk: Desk) -> None:
    place = desk.server
    models = ("gpt-5-mini", "claude-haiku", "local-small")
    for number in range(24):
        values = {"model": models[number % 3], "provider": ("openai", "anthropic", "local")[number % 3]}
        await spend(
            place, f"{0.3 + number % 7 * 0.21:.2f}", f"r{number}", **values, input_tokens=1200, output_tokens=300
        )
        if number % 2:
            await _a_day_back(place)
    await place.api("PATCH", "/api/v1/budget", {"monthly_cap": 50, "daily_cap": 5})
    await spend(place, "0.42", "today", model=models[0], provider="openai")
    await desk.goto("/costs")
    page = desk.page
    await expect(page.locator(".figure").nth(1)).to_contain_text("Yesterday")
    await expect(page.locator(".figure").nth(1)).not_to_contain_text("$0.00")
    await expect(page.locator(".figure").nth(3)).to_contain_text("mean of the last 7 full days")
    await looks_right(desk, "costs")
    await expect(page.locator("html[data-connected]")).to_be_attached()
    await spend(place, "1.00", "live", model=models[0], provider="openai")
    await expect(page.locator(".figure").first).to_contain_text("$1.42")
    await page.get_by_role("link", name="Set caps and alerts").click()
    await page.get_by_label("Most in a day").fill("7.5")
    await looks_right(desk, "budget")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_text("daily cap $7.50")).to_be_visible()


async def _a_day_back(place: Place) -> None:
    """Let everything that was spent have been spent a day before."""
    async with (await place.ctx()).begin() as ctx:
        session = await ctx.session()
        columns = spend_days.c
        rows = (await session.execute(spend_days.select().where(columns.workspace_id == ctx.workspace_id))).all()
        for row in sorted(rows, key=lambda row: row.day):
            earlier = (ctx.now.fromisoformat(row.day) - timedelta(days=1)).date().isoformat()
            await session.execute(spend_days.update().where(columns.id == row.id).values(day=earlier))
