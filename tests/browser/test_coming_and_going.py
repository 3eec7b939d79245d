"""Who comes in, how they leave, and what a page does when the network or the server's news come and go."""

from pathlib import Path

from playwright.async_api import Browser, Page, expect

from interlock import main
from interlock.domains.accounts.states import Role
from tests.support.browser import Desk, open_context
from tests.support.places import PASSWORD, serving_browsers
from tests.support.watch import Watch


async def fill_in(page: Page, **fields: str) -> None:
    """Fill fields by their labels."""
    for label, value in fields.items():
        await page.get_by_label(label.replace("_", " "), exact=True).fill(value)


async def test_the_first_start_from_the_printed_address_to_the_home_page(
    browser: Browser, tmp_path: Path, sqlite_template: Path
) -> None:
    async with (
        serving_browsers(tmp_path, sqlite_template) as server,
        await open_context(browser) as context,
    ):
        watch = Watch(context)
        page = await context.new_page()
        code = await main.setup_code(server.runtime)
        await page.goto(f"{server.base_url}/start?code={code}")
        await fill_in(page, Your_name="Ada Lovelace")
        await page.get_by_label("E-mail address").fill("ada@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Start").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Home")
        await expect(page.get_by_text("ada@example.com")).to_be_visible()

        assert await main.setup_code(server.runtime) is None, "the printed address is good once"
        await page.goto(f"{server.base_url}/start?code={code}")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("not good any more")
        assert watch.complaints() == []


async def test_signing_in_and_out(desk: Desk) -> None:
    await desk.sign_out()
    desk.expect_errors(401)
    page = desk.page
    await desk.goto("/?from=elsewhere")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    await desk.axe()
    await page.get_by_label("E-mail address").fill(desk.server.owner.email)
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong.")
    await expect(page.get_by_label("E-mail address")).to_have_value(desk.server.owner.email)

    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{desk.server.base_url}/?from=elsewhere")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_member_sees_less_than_the_owner(desk: Desk) -> None:
    areas = desk.page.get_by_role("navigation", name="Areas")
    await desk.goto("/")
    await expect(areas.get_by_role("link", name="Settings")).to_be_visible()
    member = await desk.sign_in_as(Role.MEMBER)
    await desk.goto("/")
    await expect(areas.get_by_text(member.email)).to_be_visible()
    await expect(desk.page.get_by_role("link", name="Providers")).to_have_count(0)


async def test_the_theme_is_chosen_and_kept(desk: Desk) -> None:
    await desk.goto("/")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = await desk.page.evaluate(paper)
    await desk.page.get_by_role("button", name="Switch between dark and light").click()
    dark = await desk.page.evaluate(paper)
    assert dark != light
    await desk.page.reload()
    assert await desk.page.evaluate(paper) == dark
    await desk.axe()


async def test_a_phone_has_the_areas_behind_a_button(desk: Desk) -> None:
    await desk.at(390)
    await desk.goto("/")
    link = desk.page.get_by_role("link", name="Runs", exact=True)
    await expect(link).to_be_hidden()
    await desk.page.get_by_role("button", name="Menu").click()
    await expect(link).to_be_in_viewport()
    await desk.axe()


async def started_workflow(desk: Desk, name: str) -> None:
    """A run that ends at once, started by a program."""
    graph = {"nodes": [{"id": "start", "kind": "trigger"}], "edges": []}
    made = await desk.server.api("POST", "/api/v1/workflows", {"name": name, **graph})
    await desk.server.api("PATCH", f"/api/v1/workflows/{made['id']}", {"status": "published"})
    await desk.server.api("POST", f"/api/v1/workflows/{made['id']}/run", {"input_data": {}})


async def test_what_happens_elsewhere_arrives_without_a_reload(desk: Desk) -> None:
    await desk.goto("/")
    await desk.connected()
    await desk.page.evaluate("window.isTheSamePage = true")
    await started_workflow(desk, "Count the roses")
    await expect(desk.page.get_by_role("link", name="Count the roses").first).to_be_visible()
    await desk.server.api("PATCH", "/api/v1/budget", {"monthly_cap": 321})
    await expect(desk.page.get_by_role("region", name="Spending")).to_contain_text("$321.00")
    assert await desk.page.evaluate("window.isTheSamePage"), "nothing was loaded anew"


async def test_a_dropped_connection_catches_up(desk: Desk) -> None:
    await desk.goto("/")
    await desk.connected()
    await desk.page.evaluate("window.isTheSamePage = true")
    await desk.offline()
    await expect(desk.page.get_by_text("The connection to the server is lost")).to_be_visible()
    await started_workflow(desk, "While you were away")
    await expect(desk.page.get_by_role("link", name="While you were away")).to_have_count(0)
    await desk.online()
    await expect(desk.page.get_by_role("link", name="While you were away").first).to_be_visible()
    await expect(desk.page.get_by_text("The connection to the server is lost")).to_be_hidden()
    assert await desk.page.evaluate("window.isTheSamePage"), "nothing was loaded anew"
