"""The widget in a real browser, on a page of another origin under a strict content security policy."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.support.browser import open_context
from tests.support.chat import write_script
from tests.support.places import Place, serving_browsers
from tests.support.watch import Watch

PAGE = """<!doctype html><html lang="en"><title>Northwind</title><h1>Northwind</h1>
<script src="{server}/embed.js" data-chatbot-id="{embed_id}" async></script>"""
FIRST = "Hello <b>there</b>! We ship on <img src=x onerror=alert(1)> Mondays."
SECOND = "As I said: on Mondays."
LOOKS = {"title": "Nora", "greeting": "Hi, I am Nora.", "color": "#8a1c6a"}


@contextmanager
def site(server: str, embed_id: str) -> Iterator[str]:
    """A page with the script tag, from a server of its own; yields its address."""
    content = PAGE.format(server=server, embed_id=embed_id).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            policy = (
                f"default-src 'none'; script-src {server}; connect-src {server}; require-trusted-types-for 'script'"
            )
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(content if self.path == "/" else b"")

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    page = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=page.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{page.server_port}/"
    finally:
        page.shutdown()
        page.server_close()
        thread.join()


@asynccontextmanager
async def visiting(browser: Browser, place: Place, bot: str, *, script: str = "") -> AsyncIterator[tuple[Page, Watch]]:
    """A visitor's page with the widget on it, and what it complains about.

    Args:
        script: runs in the page before its own scripts do.
    """
    async with await open_context(browser, viewport={"width": 900, "height": 700}) as context:
        watch = Watch(context)
        page = await context.new_page()
        await page.add_init_script(script)
        with site(place.base_url, bot) as address:
            await page.goto(address)
            yield page, watch
            await watch.settle(page)
        assert watch.complaints() == []


async def embedded(place: Place, name: str, *answers: str, **fields: Any) -> str:
    """The embed id of a deployed chatbot that gives these answers in turn."""
    model = write_script(place.data_dir, name, *answers)
    bot = await place.api("POST", "/api/v1/chatbots", {"name": name, "model": model, **LOOKS, **fields})
    await place.api("PATCH", f"/api/v1/chatbots/{bot['id']}", {"status": "deployed"})
    return str(bot["embed_id"])


async def ask(page: Page, message: str) -> None:
    box = page.get_by_label("Your message")
    await box.fill(message)
    await box.press("Enter")


async def test_a_visitor_of_another_site_talks_and_is_remembered_after_a_reload(
    browser: Browser, place: Place, tmp_path: Path
) -> None:
    bot = await embedded(place, "first", FIRST, SECOND)
    async with visiting(browser, place, bot) as (page, _):
        bubble = page.get_by_role("button", name="Open the chat: Nora")
        await expect(bubble).to_be_visible()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        panel = page.get_by_role("dialog", name="Nora")
        await expect(panel).to_be_visible()
        await expect(page.get_by_label("Your message")).to_be_focused()
        await expect(panel).to_contain_text("Hi, I am Nora.")

        await ask(page, "When do you ship?")
        await expect(panel).to_contain_text(FIRST)
        await expect(page.get_by_role("status")).to_have_text(f"Answer: {FIRST}")
        assert await page.locator("img").count() == 0, "markup in an answer is text"
        await expect(page.get_by_role("button", name="Send")).to_be_enabled()
        await page.screenshot(path=tmp_path / "widget.png")

        await page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(bubble).to_be_focused()

        await page.reload()
        await bubble.click()
        await expect(panel).to_contain_text("When do you ship?")
        await expect(panel).to_contain_text(FIRST)
        await ask(page, "Pardon?")
        await expect(panel).to_contain_text(SECOND)
    (row,) = await place.api("GET", "/api/v1/conversations?q=Mondays")
    assert row["message_count"] == 4, "one session before and after"


async def test_refusals_are_told_in_words(browser: Browser, tmp_path: Path, sqlite_template: Path) -> None:
    async with serving_browsers(tmp_path, sqlite_template, embed_rate_limit_per_minute=4) as server:
        place = await server.found()
        await refused(browser, place, await embedded(place, "refused", "Once.", "Twice."))


async def refused(browser: Browser, place: Place, bot: str) -> None:
    """First by the budget, then by the limit."""
    async with visiting(browser, place, bot) as (page, watch):
        watch.expect(503, 429)
        await page.get_by_role("button", name="Open the chat").click()
        panel = page.get_by_role("dialog")
        await ask(page, "One")
        await expect(panel).to_contain_text("Once.")
        await place.api("PATCH", "/api/v1/budget", {"monthly_cap": 0})
        await ask(page, "Two")
        await expect(panel).to_contain_text("This chatbot has used up its budget.")
        await expect(page.get_by_label("Your message")).to_have_value("Two")
        await place.api("PATCH", "/api/v1/budget", {"monthly_cap": None})
        await ask(page, "Two")
        await expect(panel).to_contain_text("Twice.")
        await ask(page, "Three")
        await expect(panel).to_contain_text("Too many messages. Please wait")


async def test_a_page_that_keeps_no_storage_still_talks(browser: Browser, place: Place) -> None:
    bot = await embedded(place, "forgetful", "Once.", "Twice.", position="left")
    closed = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('closed'); }})"
    async with visiting(browser, place, bot, script=closed) as (page, _):
        bubble = page.get_by_role("button", name="Open the chat")
        await bubble.click()
        panel = page.get_by_role("dialog")
        box = await panel.bounding_box()
        assert box is not None
        assert box["x"] < 100, "on the left"
        for message, answer in (("One", "Once."), ("Two", "Twice.")):
            await ask(page, message)
            await expect(panel).to_contain_text(answer)


async def test_a_listed_page_only(browser: Browser, place: Place) -> None:
    bot = await embedded(place, "listed", "Once.", allowed_origins=["https://shop.example"])
    async with visiting(browser, place, bot) as (page, watch):
        watch.expect(403)
        await page.get_by_role("button", name="Open the chat").click()
        await ask(page, "One")
        await expect(page.get_by_role("dialog")).to_contain_text("This chatbot does not answer on this site.")
