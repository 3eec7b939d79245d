"""Chat in a real browser: an answer that arrives, tool calls with verdicts and decisions in place, lost connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect
from pydantic_ai.messages import ModelResponseStreamEvent

from interlock.domains.llm import scripted
from tests.support.browser import Desk, Theme
from tests.support.chat import write_script
from tests.support.places import Place

LONG = " ".join(f"word{number}" for number in range(120))
MARKED = """# Shipping

We ship on **Mondays**: see [the plan](https://example.com/plan) and [this](javascript:alert(1)).

| day | crates |
|---|---|
| Monday | 3 |

<img src=x onerror=alert(1)> ![chart](https://elsewhere.example/chart.png)

```
ship(3)
```
"""
SCREENS: tuple[tuple[int, Theme], ...] = ((1280, "light"), (390, "dark"))


class Slow:
    """A scripted stream that rests after some words until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, words: int) -> None:
        self.go = asyncio.Event()
        whole = scripted._ScriptedStream._get_event_iterator
        slow = self

        async def resting(stream: Any) -> AsyncIterator[ModelResponseStreamEvent]:
            number = 0
            async for event in whole(stream):
                number += 1
                if number > words:
                    await slow.go.wait()
                yield event

        monkeypatch.setattr(scripted._ScriptedStream, "_get_event_iterator", resting)


async def chat_with(desk: Desk, name: str, *answers: str) -> None:
    """Open a conversation with a model that gives these answers in turn."""
    model = write_script(desk.server.data_dir, name, *answers)
    chat = await desk.server.api("POST", "/api/v1/chats", {"model": model})
    await desk.goto(f"/chat/{chat['id']}")


async def say(desk: Desk, text: str) -> None:
    box = desk.page.get_by_label("Message", exact=True)
    await box.fill(text)
    await box.press("Enter")


async def test_a_conversation_from_the_first_page_on(desk: Desk) -> None:
    write_script(desk.server.data_dir, "shipping", MARKED, "As I said: on Mondays.")
    await desk.goto("/chat")
    await desk.axe()
    await expect(desk.page.get_by_text("No agent yet")).to_be_visible()
    await desk.page.get_by_label("With").select_option("model:scripted:shipping")
    await desk.page.get_by_label("First message").fill("When do you ship?\nAnd how?")
    await desk.page.get_by_role("button", name="Start").click()
    answer = desk.page.locator(".answer .markdown")
    await expect(answer).to_contain_text("We ship on Mondays")
    await expect(answer.get_by_role("heading", name="Shipping")).to_be_visible()
    link = answer.get_by_role("link", name="the plan")
    assert await link.get_attribute("rel") == "noopener noreferrer nofollow"
    assert await answer.get_by_role("link").count() == 1, "no link runs a script"
    assert await desk.page.locator("main img").count() == 0
    await expect(answer.get_by_role("cell", name="Monday")).to_be_visible()
    await expect(desk.page.locator(".mine .bubble")).to_have_text("When do you ship?\nAnd how?")
    await expect(desk.page.locator("#chat-status")).to_contain_text("Answer: Shipping")
    await expect(desk.page.locator(".answer .foot")).to_contain_text("tokens · $0.00")
    for width, theme in SCREENS:
        await desk.at(width, theme)
        await desk.axe()
        await desk.fits()
    await desk.at(1280)
    await say(desk, "Pardon?")
    await expect(answer.last).to_have_text("As I said: on Mondays.")
    await expect(desk.page.get_by_label("Message", exact=True)).to_be_focused()
    await desk.page.get_by_role("button", name="Regenerate").click()
    await expect(desk.page.locator(".answer")).to_have_count(2)
    await desk.page.get_by_role("button", name="Pin When do you ship?").click()
    await expect(desk.page.get_by_role("button", name="Unpin", exact=True)).to_be_visible()


async def test_the_list_is_searched_and_archived_ones_are_apart(desk: Desk) -> None:
    for name, answer in (("first", "About apples."), ("second", "About pears.")):
        await chat_with(desk, name, answer)
        await say(desk, f"Tell me of {name}")
        await expect(desk.page.locator(".answer .markdown")).to_have_text(answer)
    await desk.goto("/chat")
    entries = desk.page.locator(".chat-list li")
    await expect(entries).to_have_count(2)
    await desk.page.get_by_label("Search in conversations").press_sequentially("apples")
    await expect(entries).to_have_count(1)
    await entries.get_by_role("link").click()
    await expect(desk.page.get_by_role("heading", level=1)).to_have_text("Tell me of first")
    await desk.page.get_by_role("button", name="Archive").click()
    await expect(desk.page.get_by_text("Archived.", exact=True)).to_be_visible()
    await expect(entries).to_have_count(1)
    await desk.page.get_by_role("link", name="Archived ones").click()
    await expect(entries).to_have_count(1)
    await expect(entries).to_contain_text("Tell me of first")


async def test_an_answer_arrives_over_a_lost_connection_and_is_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch, 60)
    await chat_with(desk, "long", LONG)
    await say(desk, "Go on.")
    said = desk.page.locator("[data-said]")
    await expect(said).to_contain_text("word0 word1 word2")
    await desk.offline()
    slow.go.set()
    await expect(desk.page.locator("#connection")).to_be_visible()
    await desk.online()
    answer = desk.page.locator(".answer .markdown")
    await expect(answer).to_have_text(LONG, timeout=20_000)
    await expect(desk.page.locator("#connection")).to_be_hidden()
    assert await desk.page.locator(".answer").count() == 1


async def test_an_answer_is_stopped_and_what_was_said_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    Slow(monkeypatch, 60)
    await chat_with(desk, "long", LONG)
    await say(desk, "Go on.")
    await expect(desk.page.locator("[data-said]")).to_contain_text("word0 word1")
    await desk.page.get_by_role("button", name="Stop").click()
    answer = desk.page.locator(".answer")
    await expect(answer).to_contain_text("cut short")
    await expect(answer.locator(".bubble")).to_contain_text("word0 word1")


async def held(place: Place) -> dict[str, Any]:
    """An agent whose call waits for a person."""
    turns = [
        {"text": "I will write to them.", "tool_calls": [{"tool": "comms.send_email", "arguments": MAIL}]},
        {"text": "Then I shall not."},
    ]
    folder = place.data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / "mailer.json").write_text(json.dumps({"label": "mailer", "turns": turns}))
    policy = {"name": "Mail needs a person", "type": "approval", "mode": "pause", "match": {"tools": ["comms.*"]}}
    await place.api("POST", "/api/v1/policies", policy)
    agent = {"name": "Mailer", "model": "scripted:mailer", "tools": ["comms.send_email"]}
    return dict(await place.api("POST", "/api/v1/agents", agent))


MAIL = {"to": "ada@example.com", "subject": "Hello", "body": "Good day."}


async def test_a_held_call_is_shown_with_its_policy_and_rejected_in_place(desk: Desk) -> None:
    agent = await held(desk.server)
    await desk.goto(f"/chat?with=agent:{agent['id']}")
    await desk.page.get_by_label("First message").fill("Write to Ada.")
    await desk.page.get_by_role("button", name="Start").click()
    card = desk.page.get_by_role("region", name="Tool call comms.send_email")
    await expect(card).to_contain_text("waits for a person")
    await expect(card).to_contain_text("Mail needs a person")
    await expect(card).to_contain_text("ada@example.com")
    await expect(desk.page.locator("[data-said]")).to_contain_text("I will write to them.")
    for width, theme in SCREENS:
        await desk.at(width, theme)
        await desk.axe()
        await desk.fits()
    await card.get_by_label("Comment").fill("Not today.")
    await card.get_by_role("button", name="Reject").click()
    answer = desk.page.locator(".answer .bubble")
    await expect(answer).to_contain_text("Then I shall not.")
    await expect(answer).to_contain_text("I will write to them.")
    await desk.page.get_by_text("1 tool call:").click()
    await expect(card).to_contain_text("denied")
    assert await desk.server.api("GET", "/api/v1/approvals?status=pending") == []


async def test_a_file_goes_with_a_message_and_one_that_cannot_be_read_is_refused(desk: Desk) -> None:
    folder = desk.server.data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    turn = {"expect": {"contains": "seventeen crates"}, "text": "Seventeen."}
    (folder / "reader.json").write_text(json.dumps({"label": "reader", "turns": [turn]}))
    chat = await desk.server.api("POST", "/api/v1/chats", {"model": "scripted:reader"})
    await desk.goto(f"/chat/{chat['id']}")
    desk.expect_errors(422)
    files = desk.page.get_by_label("Attach files")
    await files.set_input_files({"name": "odd.bin", "mimeType": "application/x-odd", "buffer": b"\0\1\2" * 100})
    await say(desk, "How many?")
    await expect(desk.page.locator(".toast")).to_contain_text("cannot be read")
    await expect(desk.page.get_by_label("Message", exact=True)).to_have_value("How many?")
    stock = b"There are seventeen crates."
    await files.set_input_files({"name": "stock.txt", "mimeType": "text/plain", "buffer": stock})
    await desk.page.get_by_role("button", name="Send").click()
    await expect(desk.page.locator(".answer .bubble")).to_have_text("Seventeen.")
    await expect(desk.page.get_by_role("link", name="stock")).to_be_visible()
