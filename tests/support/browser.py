"""A real browser for tests: one of the system's Chromium per worker, and a desk with a signed-in page per test.

Ask for `desk` and write plain async code; `desk.page` is a Playwright page, waiting is what its `expect` does.
"""

import importlib.resources
import os
import shutil
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Response, async_playwright, expect

from interlock.domains.accounts.states import Role
from interlock.faces.web.credentials import SESSION_COOKIE
from interlock.sandbox import Sandbox
from interlock.sandbox import serve as serve_sandbox
from tests.support.places import BrowserServer, Person, Place, serving_browsers
from tests.support.showcase import Showcase, furnish
from tests.support.watch import Watch

Theme: TypeAlias = Literal["light", "dark"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ZONE = "Europe/Berlin"
PATIENCE = 30_000
FAILED = pytest.StashKey[bool]()
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    # The pages must work without the world: whatever is not on this machine is not found.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
)
_AXE = importlib.resources.files("axe_playwright_python") / "axe.min.js"
_RUN_AXE = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(one => ({
    id: one.id, impact: one.impact, help: one.help,
    nodes: one.nodes.slice(0, 5).map(node => node.html.slice(0, 160) + '  <- ' + node.target.join(' ')),
    summary: one.nodes[0].failureSummary})))"""
_TOO_WIDE = """() => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const scrolls = element =>
        element && (getComputedStyle(element).overflowX !== 'visible' || scrolls(element.parentElement));
    return [...document.body.querySelectorAll('*')]
        .filter(one => one.getBoundingClientRect().right > page.clientWidth + 1 && !scrolls(one.parentElement))
        .slice(0, 5).map(one => one.outerHTML.slice(0, 160));
}"""

expect.set_options(timeout=PATIENCE)


def chromium() -> str:
    """The path of the system's browser; a test without one is skipped, in continuous integration it fails."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        words = "no Chromium on this machine: install the package 'chromium', or name one in the variable CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return found


class Desk:
    """A person in front of a browser: a page in a context of its own, and the workspace the person belongs to.

    Its test fails for every console error, page error, breach of the content security policy and failed request that
    was not announced by `expect_errors`.
    """

    def __init__(self, context: BrowserContext, page: Page, server: Place) -> None:
        self.context = context
        self.page = page
        self.server = server
        self.watch = Watch(context)

    def expect_errors(self, *what: int | str) -> None:
        """Announce errors that the test brings about: statuses, or words in what the browser says; each must come."""
        self.watch.expect(*what)

    async def goto(self, path: str) -> Response:
        """Open a page of the server."""
        answer = await self.page.goto(self.server.base_url + path)
        assert answer is not None
        return answer

    async def sign_in_as(self, who: Person | Role) -> Person:
        """Change to another person of the workspace, without the form; a role makes a new one."""
        person = who if isinstance(who, Person) else await self.server.person(who)
        await self.context.add_cookies([session_cookie(self.server.base_url, person)])
        return person

    async def sign_out(self) -> None:
        """Forget who signed in, without the button."""
        await self.context.clear_cookies(name=SESSION_COOKIE)

    async def at(self, width: int, theme: Theme = "light") -> None:
        """Use a screen of this width that prefers this theme."""
        await self.page.set_viewport_size({"width": width, "height": 844 if width < 600 else 900})
        await self.page.emulate_media(color_scheme=theme)

    async def axe(self) -> None:
        """Fail for what axe-core calls serious or critical on the page as it is now."""
        # Through the debugger, which the page's policy does not bind, and in a world of its own.
        session = await self.context.new_cdp_session(self.page)
        try:
            frames = await session.send("Page.getFrameTree")
            world = {"frameId": frames["frameTree"]["frame"]["id"], "worldName": "axe"}
            made = await session.send("Page.createIsolatedWorld", world)
            context = made["executionContextId"]
            await _evaluate(session, context, f"{_AXE.read_text(encoding='utf-8')};0")
            violations = await _evaluate(session, context, _RUN_AXE)
        finally:
            await session.detach()
        bad = [one for one in violations if one["impact"] in {"serious", "critical"}]
        told = [
            f"{one['impact']}: {one['help']} ({one['id']})\n    {one['summary']}\n    " + "\n    ".join(one["nodes"])
            for one in bad
        ]
        assert not told, f"axe-core on {self.page.url}:\n" + "\n".join(told)

    async def connected(self) -> None:
        """Wait until the page hears of changes; what changes after that arrives without a reload."""
        await expect(self.page.locator("html[data-connected=true]")).to_be_attached()

    async def connected_if_live(self) -> None:
        """Wait as `connected` does on a page that has live parts."""
        if await self.page.locator("[data-live]").count():
            await self.connected()

    async def fits(self) -> None:
        """Fail when the page can be scrolled sideways; names what sticks out."""
        out = await self.page.evaluate(_TOO_WIDE)
        scroll = await self.page.evaluate("document.documentElement.scrollWidth")
        wide = await self.page.evaluate("document.documentElement.clientWidth")
        assert scroll <= wide, f"{self.page.url} is {scroll} wide on a screen of {wide}:\n" + "\n".join(out)

    async def offline(self) -> None:
        """Lose the network: open connections break, new ones fail."""
        self.watch.network_is_bad = True
        await self.context.set_offline(True)
        self.server.server.drop_connections()

    async def online(self) -> None:
        """Have the network back."""
        await self.context.set_offline(False)

    async def weigh(self, path: str) -> dict[str, int]:
        """Open a page with an empty cache; returns the bytes that crossed the wire, headers included, by address."""
        weights: dict[str, int] = {}
        addresses: dict[str, str] = {}
        session = await self.context.new_cdp_session(self.page)
        session.on("Network.requestWillBeSent", lambda it: addresses.update({it["requestId"]: it["request"]["url"]}))
        session.on(
            "Network.loadingFinished",
            lambda it: weights.update({addresses.get(it["requestId"], "?"): it["encodedDataLength"]}),
        )
        await session.send("Network.enable")
        await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        await self.goto(path)
        await self.page.evaluate("0")
        await session.detach()
        return weights


async def _evaluate(session: Any, context: int, expression: str) -> Any:
    command = {"expression": expression, "contextId": context, "awaitPromise": True, "returnByValue": True}
    answer = await session.send("Runtime.evaluate", command)
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


def session_cookie(base_url: str, person: Person) -> Any:
    """The cookie of a sign-in that has happened."""
    return {"name": SESSION_COOKIE, "value": person.token, "url": base_url, "httpOnly": True, "sameSite": "Lax"}


async def open_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser window without memory: desktop-sized, in a zone that is not UTC, without animations."""
    values = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "timezone_id": ZONE}
    context = await browser.new_context(**{**values, "reduced_motion": "reduce", "color_scheme": "light", **options})
    context.set_default_timeout(PATIENCE)
    return context


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of a worker."""
    path = chromium()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser_server(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[BrowserServer]:
    """One server for all browser tests of a worker; override it in a module that needs other settings."""
    async with serving_browsers(tmp_path_factory.mktemp("browser-server"), sqlite_template) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def place(browser_server: BrowserServer) -> Place:
    """A fresh workspace for every test; override it with a module's own to share costly data."""
    return await browser_server.found()


@dataclass(frozen=True)
class Furnished:
    """A workspace with something on every page."""

    place: Place
    sandbox: Sandbox
    showcase: Showcase


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def furnished(browser_server: BrowserServer) -> AsyncIterator[Furnished]:
    """One furnished workspace for all tests of a worker that only look at it; takes seconds to make."""
    async with serve_sandbox() as sandbox:
        place = await browser_server.found()
        yield Furnished(place, sandbox, await furnish(place, sandbox))


@asynccontextmanager
async def sitting_down(browser: Browser, place: Place) -> AsyncIterator[Desk]:
    """The workspace's owner, signed in, in front of an empty page."""
    async with await open_context(browser) as context:
        await context.add_cookies([session_cookie(place.base_url, place.owner)])
        yield Desk(context, await context.new_page(), place)


@asynccontextmanager
async def judged(sitting: Desk, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """Fail at the end for what the browser complained about; keep a picture of a page whose test failed."""
    yield sitting
    await sitting.watch.settle(sitting.page)
    complaints = sitting.watch.complaints()
    if request.node.stash.get(FAILED, False) or complaints:
        await sitting.page.screenshot(path=tmp_path / "failed.png", full_page=True)
        (tmp_path / "failed.html").write_text(await sitting.page.content())
        print(f"the page as it was: {tmp_path / 'failed.png'} (and .html)")  # noqa: T201
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, place: Place, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """The workspace's owner, signed in, in front of an empty page."""
    async with sitting_down(browser, place) as sitting, judged(sitting, request, tmp_path):
        yield sitting


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell fixtures whether their test has failed."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser lives in the loop of its session: so must whoever talks to it."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "browser" not in names and "browser_server" not in names:
            continue
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        item.add_marker("browser")
        if "server" in names:
            raise pytest.UsageError(
                f"{item.nodeid}: `server` lives in its test's own event loop, a browser in the session's; "
                "use `desk.server` or `place`, which a browser can reach."
            )
        _move_into_session_loop(item)


def _move_into_session_loop(item: Any) -> None:
    """The test's own async fixtures that use the browser or its server run in the same loop, without saying so."""
    known = item._fixtureinfo.name2fixturedefs
    moved = {"browser", "browser_server"}
    # The names come in the order in which they are set up, a fixture after those it asks for.
    for name in item.fixturenames:
        for definition in known.get(name, ()):
            if moved.intersection(definition.argnames):
                moved.add(name)
                getattr(definition.func, "__func__", definition.func)._loop_scope = "session"
