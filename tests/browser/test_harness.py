"""The tools of browser tests: what they let pass and what they do not."""

from typing import Any

import pytest
from playwright.async_api import expect

from interlock.domains.accounts.service import people
from interlock.kit.operations import Nothing
from tests.support.browser import Desk, Theme

FIELDS = [{"name": "name", "type": "text", "label": "Your name", "required": True}]


@pytest.fixture
async def form(desk: Desk) -> str:
    """A public page, made through the API."""
    slug = desk.server.owner.email.partition("@")[0]
    made: Any = await desk.server.api("POST", "/api/v1/forms", {"name": "Sign up", "slug": slug, "fields": FIELDS})
    assert made["public_url"] == f"{desk.server.base_url}/f/{slug}"
    return f"/f/{slug}"


async def test_a_page_is_opened_read_and_found_accessible(desk: Desk, form: str) -> None:
    await desk.goto(form)
    await expect(desk.page.get_by_role("heading")).to_have_text("Sign up")
    themes: tuple[tuple[int, Theme], ...] = ((390, "light"), (1280, "dark"))
    for width, theme in themes:
        await desk.at(width, theme)
        await desk.axe()
        await desk.fits()


async def test_every_test_has_a_workspace_and_an_owner_of_its_own(desk: Desk) -> None:
    me = await desk.server.call(people.me, Nothing())
    assert me.email == desk.server.owner.email
    assert await desk.server.api("GET", "/api/v1/forms") == []
    member = await desk.sign_in_as(await desk.server.person())
    cookies = {one["name"]: one["value"] for one in await desk.context.cookies()}
    assert cookies["interlock_session"] == member.token


async def test_errors_of_the_browser_are_heard(desk: Desk, form: str) -> None:
    desk.expect_errors(404, 422)
    await desk.goto("/f/nowhere")
    assert desk.watch.complaints() == ["announced by expect_errors, but it did not come: 422"]
    await desk.goto(form)
    await desk.page.get_by_role("button", name="Send").click()
    await expect(desk.page.get_by_role("alert")).to_be_visible()
    await desk.page.evaluate("setTimeout(() => { throw new Error('broken script') })")
    await desk.page.evaluate("console.error('broken thing'), document.body.setAttribute('style', 'color: red')")
    await desk.page.evaluate("fetch('https://elsewhere.example/').catch(() => 0)")
    await desk.watch.settle(desk.page)
    heard = "\n".join(desk.watch.complaints())
    for words in ("page: broken script", "console: broken thing", "Content Security Policy"):
        assert words in heard
    desk.expect_errors("broken", "Content Security Policy", "Refused", "elsewhere.example")


async def test_what_is_not_accessible_is_said_in_words(desk: Desk, form: str) -> None:
    await desk.goto(form)
    await desk.page.evaluate("document.querySelectorAll('label').forEach(one => one.remove())")
    with pytest.raises(AssertionError, match="critical: Form elements must have labels"):
        await desk.axe()
    await desk.page.evaluate("document.body.append(Object.assign(new Image(2000, 10), {alt: ''}))")
    with pytest.raises(AssertionError, match="wide on a screen of 1280"):
        await desk.fits()


async def test_a_lost_network_is_no_complaint_and_comes_back(desk: Desk, form: str) -> None:
    await desk.goto("/healthz")
    await desk.offline()
    assert await desk.page.evaluate("fetch('/healthz').then(() => 'answered', () => 'lost')") == "lost"
    await desk.online()
    await desk.goto(form)
    await expect(desk.page.get_by_role("heading")).to_have_text("Sign up")


async def test_a_page_is_weighed_with_all_it_loads(desk: Desk, form: str) -> None:
    weights = await desk.weigh(form)
    assert weights[desk.server.base_url + form] > 500
