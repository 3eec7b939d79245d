"""The public page of a form in a real browser: a person on a phone, without script."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import Theme, open_context
from tests.support.places import Place
from tests.support.watch import Watch

FIELDS: list[dict[str, Any]] = [
    {"name": "name", "type": "text", "label": "Your name", "required": True},
    {"name": "email", "type": "email", "required": True, "help": "We answer here."},
    {"name": "plan", "type": "select", "options": ["free", 'pro "plus" <b>'], "placeholder": "Which one?"},
    {"name": "member", "type": "boolean", "label": "Are you a member?", "required": True},
    {"name": "terms", "type": "checkbox", "label": "I agree to the terms", "required": True},
]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_person_without_script_fills_it_in_on_a_phone(
    browser: Browser, place: Place, theme: Theme, tmp_path: Path
) -> None:
    slug = f"sign-up-{theme}"
    form = await place.api(
        "POST",
        "/api/v1/forms",
        {"name": "Sign up", "slug": slug, "fields": FIELDS, "description": "It takes a minute."},
    )
    phone = await open_context(
        browser, java_script_enabled=False, viewport={"width": 390, "height": 844}, color_scheme=theme
    )
    async with phone:
        watch = Watch(phone)
        watch.expect(422)
        page = await phone.new_page()
        await page.goto(f"{place.base_url}/f/{slug}")
        await page.screenshot(path=tmp_path / "empty.png", full_page=True)
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_label("email").fill("ada")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("alert")).to_contain_text("must be an e-mail address")
        await page.screenshot(path=tmp_path / "problems.png", full_page=True)
        await expect(page.get_by_label("Your name")).to_have_value("Ada")
        await page.get_by_label("email").fill("ada@example.com")
        await page.get_by_label("plan").select_option("free")
        await page.get_by_label("No", exact=True).check()
        await page.get_by_label("I agree to the terms").check()
        await expect(page.get_by_label("Leave this empty")).not_to_be_in_viewport()
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("heading")).to_have_text("Thank you")
        await page.screenshot(path=tmp_path / "thanks.png", full_page=True)
        assert watch.complaints() == []
    (row,) = await place.api("GET", f"/api/v1/forms/{form['id']}/submissions")
    assert row["data"] == {"name": "Ada", "email": "ada@example.com", "plan": "free", "member": False, "terms": True}
