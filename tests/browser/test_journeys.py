"""What a newcomer does in the first hour, from page to page, as the dashboard leads there."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from interlock.sandbox import ProviderName, Sandbox, serve
from tests.support.browser import Desk, Furnished
from tests.support.showcase import MAIL, connect, refund_agent


@pytest.fixture
async def sandbox(desk: Desk) -> AsyncIterator[Sandbox]:
    """The pretend providers, connected."""
    async with serve() as running:
        await connect(desk.server, running)
        yield running


async def area(desk: Desk, name: str) -> None:
    """Go to an area as people do."""
    link = desk.page.get_by_role("navigation", name="Areas").get_by_role("link", name=re.compile(f"^{name}"))
    await link.click()
    await expect(desk.page.get_by_role("heading", level=1)).to_have_text(name)


async def test_the_refund_story_from_chat_to_approval_to_audit(desk: Desk, sandbox: Sandbox) -> None:
    page = desk.page
    agent = await refund_agent(desk.server)
    await desk.goto("/")
    await page.get_by_role("link", name="Start a chat").click()
    await page.get_by_label("With").select_option(f"agent:{agent}")
    await page.get_by_label("First message").fill(MAIL)
    await page.get_by_role("button", name="Start").click()
    call = page.get_by_role("region", name="Tool call payments.create_refund")
    await expect(call).to_contain_text("waits for a person", timeout=20_000)
    chat = page.url
    assert sandbox.state.effects_of(ProviderName.STRIPE) == []

    counter = page.get_by_role("navigation", name="Areas").get_by_role("link", name=re.compile("^Approvals"))
    await expect(counter).to_contain_text("1")
    await area(desk, "Approvals")
    await page.locator("[data-item]").get_by_role("link", name="payments.create_refund", exact=True).click()
    await expect(page.get_by_role("main")).to_contain_text("6490")
    await page.get_by_role("button", name="Approve as it is").click()
    await expect(page.locator("#standing")).to_contain_text("approved")

    await page.goto(chat)
    answer = page.locator(".answer .bubble").last
    await expect(answer).to_contain_text("Done: the second charge of order NW-10482 is refunded", timeout=20_000)
    (refund,) = sandbox.state.effects_of(ProviderName.STRIPE)
    assert sandbox.state.arrivals(refund) == 1

    await area(desk, "Audit")
    await page.get_by_label("Tool").fill("payments.create_refund")
    await page.get_by_role("button", name="Show").click()
    rows = page.locator("tbody tr")
    await expect(rows.first).to_contain_text("payments.create_refund")
    await page.get_by_role("button", name="Verify the chain").click()
    await expect(page.get_by_text("The chain is whole.")).to_be_visible()


class TestCosts:
    @pytest.fixture
    def place(self, furnished: Furnished) -> object:
        """Thirty days of spending."""
        return furnished.place

    async def test_what_yesterday_cost_is_two_clicks_away(self, desk: Desk, furnished: Furnished) -> None:
        await desk.goto("/")
        await area(desk, "Costs")
        yesterday = desk.page.locator(".figure").filter(has_text="Yesterday")
        await expect(yesterday).to_contain_text(f"${furnished.showcase.yesterday:.2f}")
