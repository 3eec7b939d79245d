"""What holds for every page of the dashboard, on a workspace that has something to show on each."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from starlette.routing import Route

from interlock.domains.accounts.states import Role
from interlock.faces.dashboard import app
from interlock.faces.web.credentials import SESSION_COOKIE
from tests.support.browser import Desk, Furnished, judged, sitting_down
from tests.support.places import Person, Place

# Not for people who are signed in, no page at all, or about the whole server, whose founders alone see it.
ELSEWHERE = {"/start", "/live", "/settings/backup", "/settings/backup/list", "/settings/backup/{name}/download"}
ROUTES = [route for route in app.routes() if isinstance(route, Route) and route.path not in ELSEWHERE]
# Of one that is not theirs, people see an empty list; and the directory of integrations is everybody's.
EMPTY_ELSEWHERE = {"/chat/work/{run_id}", "/settings/integrations/{id}"}
READ = sorted(
    {route.path for route in ROUTES if "GET" in (route.methods or ()) and not route.path.startswith("/assets")}
)
DONE = sorted({route.path for route in ROUTES if "POST" in (route.methods or ()) and route.path != "/sign-in"})
FIRST_PAGE_BYTES = 100_000
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@pytest.fixture
def place(furnished: Furnished) -> Place:
    """Looked at only, so shared."""
    return furnished.place


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(browser: Browser, furnished: Furnished) -> AsyncIterator[Desk]:
    """One window for all pages."""
    async with sitting_down(browser, furnished.place) as sitting:
        yield sitting


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shared: Desk, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """As it was opened, whatever the page before did."""
    await shared.page.goto("about:blank")
    await shared.at(1280)
    shared.watch.forget()
    async with judged(shared, request, tmp_path):
        yield shared


async def read(place: Place, person: Person | None, path: str) -> httpx.Response:
    cookies = {} if person is None else {"cookie": f"{SESSION_COOKIE}={person.token}"}
    return await place.server.http.get(path, headers={"accept": "text/html", **cookies})


@pytest.mark.parametrize("path", READ)
async def test_it_is_for_those_who_may_see_it(path: str, furnished: Furnished) -> None:
    place, here = furnished.place, furnished.showcase.fill(path)
    own = await read(place, place.owner, here)
    if own.status_code == 303:
        return  # a form that ends on another page's address
    assert own.status_code == 200, own.text[:2000]
    stranger = await read(place, None, here)
    assert (stranger.status_code, 'action="/sign-in"' in stranger.text) == (401, True)
    member = await read(place, await place.person(Role.MEMBER), here)
    assert member.status_code in {200, 403}, member.text[:2000]
    if here != path:
        other = await place.server.found("Southwind")
        foreign = await read(place, other.owner, here)
        is_there = foreign.status_code != 404 and path not in EMPTY_ELSEWHERE
        assert not is_there, "a thing of another workspace is not there"
        assert "Northwind" not in foreign.text


@pytest.mark.parametrize("path", DONE)
async def test_nothing_is_done_for_a_form_from_elsewhere(path: str, furnished: Furnished) -> None:
    place = furnished.place
    here = _PARAMETER.sub("x", path)
    cookie = {"cookie": f"{SESSION_COOKIE}={place.owner.token}"}
    for headers, sent in (
        (cookie, {"_csrf": "forged"}),
        (cookie, {}),
        ({**cookie, "origin": "https://elsewhere.example"}, {"_csrf": "forged"}),
    ):
        answer = await place.server.http.post(here, data=sent, headers=headers)
        assert answer.status_code == 403, (path, answer.status_code, answer.text[:500])
    assert (await place.server.http.post(here, data={})).status_code in {401, 403}


@pytest.mark.parametrize("path", READ)
async def test_it_is_whole_accessible_and_fits_a_phone(path: str, desk: Desk, furnished: Furnished) -> None:
    here = furnished.showcase.fill(path)
    if "<html" not in (await read(desk.server, desk.server.owner, here)).text:
        return  # a part of a page, or a file
    await desk.goto(here)
    page = desk.page
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    await expect(page.get_by_role("main")).to_have_count(1)
    heading = (await page.get_by_role("heading", level=1).inner_text()).strip()
    assert heading
    assert (await page.title()).endswith("· Interlock")
    assert await page.title() not in {"· Interlock", "Interlock · Interlock"}
    await desk.connected_if_live()
    await desk.axe()
    await desk.at(390, "dark")
    await desk.fits()
    await desk.axe()


async def test_an_error_is_told_in_words_with_one_request_id(desk: Desk) -> None:
    desk.expect_errors(404)
    answer = await desk.goto("/runs/run_01jd0000000000000000000000")
    assert answer.status == 404
    text = await desk.page.get_by_role("main").inner_text()
    assert text.count(answer.headers["x-request-id"]) == 1
    await desk.axe()


async def test_the_first_page_is_light(desk: Desk) -> None:
    weights = await desk.weigh("/")
    listed = "\n".join(f"{size:7} {address}" for address, size in sorted(weights.items(), key=lambda one: -one[1]))
    assert sum(weights.values()) < FIRST_PAGE_BYTES, listed


async def test_the_keyboard_finds_its_way(desk: Desk) -> None:
    await desk.goto("/")
    await desk.page.keyboard.press("Tab")
    skip = desk.page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await desk.page.keyboard.press("Enter")
    await desk.page.keyboard.press("Tab")
    assert await desk.page.evaluate("document.querySelector('main').contains(document.activeElement)")
    ring = "getComputedStyle(document.activeElement).outlineStyle"
    assert await desk.page.evaluate(ring) != "none", "what has the focus shows it"
