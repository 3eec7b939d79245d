"""The widget in a real browser, on a page of another origin under a strict content security policy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import browsing
from tests.support.chat import write_script
from tests.support.process import ServerProcess, serving

pytestmark = [pytest.mark.browser, pytest.mark.journey]
PAGE = """<!doctype html><html lang="en"><title>Northwind</title><h1>Northwind</h1>
<script src="{server}/embed.js" data-chatbot-id="{embed_id}" async></script>"""
FIRST = "Hello <b>there</b>! We ship on <img src=x onerror=alert(1)> Mondays."
SECOND = "As I said: on Mondays."
LOOKS = {"title": "Nora", "greeting": "Hi, I am Nora.", "color": "#8a1c6a"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with browsing() as found:
        yield found


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


@contextmanager
def visiting(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    """A visitor's page, and what it complained about."""
    context = browser.new_context(locale="en", viewport={"width": 900, "height": 700})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    try:
        page.goto(address)
        yield page, complaints
    finally:
        context.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose limits no test of this file meets."""
    with serving(
        tmp_path_factory.mktemp("widget") / "data", None, INTERLOCK_EMBED_RATE_LIMIT_PER_MINUTE="1000"
    ) as running:
        yield running


def embedded(server: ServerProcess, name: str, *answers: str, **fields: Any) -> str:
    """The embed id of a deployed chatbot that gives these answers in turn."""
    model = write_script(server.data_dir, name, *answers)
    bot = server.request("POST", "/api/v1/chatbots", {"name": name, "model": model, **LOOKS, **fields}).json()
    server.request("PATCH", f"/api/v1/chatbots/{bot['id']}", {"status": "deployed"})
    return str(bot["embed_id"])


def ask(page: Page, message: str) -> None:
    box = page.get_by_label("Your message")
    box.fill(message)
    box.press("Enter")


def test_a_visitor_of_another_site_talks_and_is_remembered_after_a_reload(
    browser: Browser, server: ServerProcess, tmp_path: Path
) -> None:
    bot = embedded(server, "first", FIRST, SECOND)
    with site(server.base_url, bot) as address, visiting(browser, address) as (page, complaints):
        bubble = page.get_by_role("button", name="Open the chat: Nora")
        expect(bubble).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        panel = page.get_by_role("dialog", name="Nora")
        expect(panel).to_be_visible()
        expect(page.get_by_label("Your message")).to_be_focused()
        expect(panel).to_contain_text("Hi, I am Nora.")

        ask(page, "When do you ship?")
        expect(panel).to_contain_text(FIRST)
        expect(page.get_by_role("status")).to_have_text(f"Answer: {FIRST}")
        assert page.locator("img").count() == 0, "markup in an answer is text"
        expect(page.get_by_role("button", name="Send")).to_be_enabled()
        page.screenshot(path=tmp_path / "widget.png")

        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(bubble).to_be_focused()

        page.reload()
        bubble.click()
        expect(panel).to_contain_text("When do you ship?")
        expect(panel).to_contain_text(FIRST)
        ask(page, "Pardon?")
        expect(panel).to_contain_text(SECOND)
        assert complaints == []
    (row,) = server.request("GET", "/api/v1/conversations?q=Mondays").json()
    assert row["message_count"] == 4, "one session before and after"


def test_refusals_are_told_in_words(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "data", None, INTERLOCK_EMBED_RATE_LIMIT_PER_MINUTE="4") as server:
        refused(browser, server, embedded(server, "refused", "Once.", "Twice."))


def refused(browser: Browser, server: ServerProcess, bot: str) -> None:
    """First by the budget, then by the limit."""
    with site(server.base_url, bot) as address, visiting(browser, address) as (page, _):
        page.get_by_role("button", name="Open the chat").click()
        panel = page.get_by_role("dialog")
        ask(page, "One")
        expect(panel).to_contain_text("Once.")
        server.request("PATCH", "/api/v1/budget", {"monthly_cap": 0})
        ask(page, "Two")
        expect(panel).to_contain_text("This chatbot has used up its budget.")
        expect(page.get_by_label("Your message")).to_have_value("Two")
        server.request("PATCH", "/api/v1/budget", {"monthly_cap": None})
        ask(page, "Two")
        expect(panel).to_contain_text("Twice.")
        ask(page, "Three")
        expect(panel).to_contain_text("Too many messages. Please wait")


def test_a_page_that_keeps_no_storage_still_talks(browser: Browser, server: ServerProcess) -> None:
    bot = embedded(server, "forgetful", "Once.", "Twice.", position="left")
    with site(server.base_url, bot) as address, visiting(browser, "about:blank") as (page, complaints):
        page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('closed'); }})")
        page.goto(address)
        bubble = page.get_by_role("button", name="Open the chat")
        bubble.click()
        panel = page.get_by_role("dialog")
        box = panel.bounding_box()
        assert box is not None
        assert box["x"] < 100, "on the left"
        for message, answer in (("One", "Once."), ("Two", "Twice.")):
            ask(page, message)
            expect(panel).to_contain_text(answer)
        assert complaints == []


def test_a_listed_page_only(browser: Browser, server: ServerProcess) -> None:
    bot = embedded(server, "listed", "Once.", allowed_origins=["https://shop.example"])
    with site(server.base_url, bot) as address, visiting(browser, address) as (page, _):
        page.get_by_role("button", name="Open the chat").click()
        ask(page, "One")
        expect(page.get_by_role("dialog")).to_contain_text("This chatbot does not answer on this site.")
