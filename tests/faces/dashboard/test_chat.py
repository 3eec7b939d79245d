"""The chat's pages over HTTP: what they show, whose forms count, what is refused; and Markdown made harmless."""

import asyncio

import pytest

from interlock.faces.dashboard.markdown import rendered
from tests.faces.dashboard.conftest import Person, signed_in
from tests.support.app import Server
from tests.support.chat import events_in, write_script

PATIENCE = 30.0
LINK = 'rel="noopener noreferrer nofollow" target="_blank"'


async def begun(person: Person, *answers: str, text: str = "Hello <b>there</b>.") -> str:
    """Begin a conversation on the first page; returns its path."""
    model = write_script(person.server.runtime.settings.data_dir, "talker", *answers)
    reply = await person.post("/chat/new", {"partner": f"model:{model}", "text": text})
    assert reply.status_code == 303, reply.text
    path = str(reply.headers["location"])
    await answered(person, path)
    return path


async def answered(person: Person, path: str) -> None:
    """Wait until nobody answers."""
    thread = await person.call("chats.get", {"conversation_id": path.rpartition("/")[2]})
    if thread.turns:
        name = f"chat:{thread.turns[-1].id}"
        async with asyncio.timeout(PATIENCE):
            async for event in person.server.runtime.streams.follow(await person.server.ctx(), name, 0):
                if event is not None and event.type == "ended":
                    return


async def test_a_conversation_is_begun_and_shown(owner: Person) -> None:
    first = await owner.get("/chat")
    assert "No conversation yet" in first.text
    path = await begun(owner, "Good **day**.")
    page = await owner.get(path)
    assert page.status_code == 200
    assert "Hello &lt;b&gt;there&lt;/b&gt;." in page.text
    assert "<p>Good <strong>day</strong>.</p>" in page.text
    assert "talker" in (await owner.get("/chat/list?q=day", htmx=True)).text
    assert "No message holds these words." in (await owner.get("/chat/list?q=nothing", htmx=True)).text
    assert 'style="' not in page.text


async def test_what_is_wrong_with_a_new_conversation_stands_at_its_field(owner: Person) -> None:
    for partner in ("", "model:nobody:nothing", "agent:agent_01h455vb4pex5vsknk084sn02q"):
        reply = await owner.post("/chat/new", {"partner": partner, "text": "Kept words."})
        assert reply.status_code in {404, 422}, reply.text
        if reply.status_code == 422:
            assert 'class="problem"' in reply.text
            assert "Kept words." in reply.text


async def test_messages_are_said_without_script_too(owner: Person) -> None:
    path = await begun(owner, "One.", "Two.")
    reply = await owner.post(f"{path}/say", {"text": "And?"})
    assert (reply.status_code, reply.headers["location"]) == (303, path)
    await answered(owner, path)
    assert "<p>Two.</p>" in (await owner.get(path)).text
    part = await owner.post(f"{path}/regenerate", htmx=True)
    assert part.status_code == 200
    assert 'id="talk"' in part.text
    await answered(owner, path)
    refused = await owner.post(f"{path}/stop", htmx=True)
    assert refused.status_code == 409
    assert "No answer is being written" in refused.text


async def test_it_is_renamed_pinned_archived_and_deleted(owner: Person) -> None:
    path = await begun(owner, "One.")
    await owner.post(f"{path}/change", {"title": "Shipping"})
    assert "<h1>Shipping</h1>" in (await owner.get(path)).text
    await owner.post(f"{path}/change", {"pinned": "true"})
    assert 'aria-pressed="true"' in (await owner.get("/chat")).text
    await owner.post(f"{path}/change", {"archived": "true"})
    assert "Shipping" not in (await owner.get("/chat")).text
    assert "Shipping" in (await owner.get("/chat?archived=true")).text
    assert (await owner.post(f"{path}/delete")).status_code == 303
    assert (await owner.get(path)).status_code == 404


async def test_forms_need_the_mark_and_other_workspaces_see_nothing(server: Server, owner: Person) -> None:
    path = await begun(owner, "One.")
    assert (await owner.post(f"{path}/say", {"text": "x"}, csrf="wrong")).status_code == 403
    key = await server.another_workspace()
    stranger = await signed_in(server, email="stranger@example.com", key=key)
    for reply in (
        await stranger.get(path),
        await stranger.get(f"{path}/thread", htmx=True),
        await stranger.post(f"{path}/say", {"text": "x"}),
        await stranger.post(f"{path}/delete"),
    ):
        assert reply.status_code == 404


async def test_a_follower_that_comes_late_gets_what_it_needs(owner: Person) -> None:
    path = await begun(owner, "One.")
    thread = await owner.call("chats.get", {"conversation_id": path.rpartition("/")[2]})
    stream = await owner.get(f"{path}/stream/{thread.turns[-1].id}")
    assert [kind for kind, _ in events_in(stream.text)] == ["ended"]


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,1)", "<p>[x](data:text/html,1)</p>"),
        ("[x](/settings)", "<p>[x](/settings)</p>"),
        ('![a"b](https://e.example/x.png)', '<p><span class="muted">[picture: a&#34;b]</span></p>'),
        (
            '[x](https://e.example "t\\"><b>")',
            f'<p><a href="https://e.example" title="t&quot;&gt;&lt;b&gt;" {LINK}>x</a></p>',
        ),
        ("# T", "<h3>T</h3>"),
        ("```html\n<b>\n```", '<pre tabindex="0"><code>&lt;b&gt;\n</code></pre>'),
    ],
)
def test_markdown_of_a_model_is_harmless(text: str, harmless: str) -> None:
    assert str(rendered(text)).strip() == harmless
