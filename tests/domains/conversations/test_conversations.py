"""Threads: numbers without gaps, order of lists, setters, turns."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from interlock.domains.conversations import service as conversations
from interlock.domains.conversations.repository import Conversations
from interlock.domains.conversations.service import Append, NewMessage, OpenThread
from interlock.domains.conversations.states import Channel, MessageRole
from interlock.domains.conversations.views import Conversation, ConversationId
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import TypedId
from interlock.runtime.context import Ctx
from tests.support.app import Server

PATH = "/api/v1/conversations"


async def begun(server: Server, **fields: Any) -> dict[str, Any]:
    made = await server.post(PATH, fields)
    assert made.status_code == 200, made.text
    thread: dict[str, Any] = made.json()
    return thread


async def said(ctx: Ctx, thread: ConversationId, *texts: str) -> None:
    messages = tuple(NewMessage(role=MessageRole.USER, content=text) for text in texts)
    async with ctx.begin() as unit:
        await conversations.append(unit, Append(conversation_id=thread, messages=messages))


async def titles(server: Server, **filters: Any) -> list[str]:
    return [row["title"] for row in (await server.get(PATH, **filters)).json()]


async def test_messages_are_numbered_without_gaps_however_many_write_at_once(server: Server) -> None:
    ctx = await server.ctx()
    thread = ConversationId.parse((await begun(server))["id"])
    await asyncio.gather(*(said(ctx, thread, f"{number}a", f"{number}b") for number in range(10)))
    found = (await server.get(f"{PATH}/{thread}", limit=200)).json()
    assert [message["sequence"] for message in found["messages"]] == list(range(1, 21))
    texts = [message["content"] for message in found["messages"]]
    pairs = [texts[at][0] == texts[at + 1][0] and texts[at + 1].endswith("b") for at in range(0, 20, 2)]
    assert all(pairs), "what was added together stays together"
    assert (found["conversation"]["message_count"], found["conversation"]["unread_count"]) == (20, 20)


async def test_the_last_messages_come_oldest_first_and_older_ones_by_page(server: Server) -> None:
    ctx = await server.ctx()
    thread = ConversationId.parse((await begun(server))["id"])
    await said(ctx, thread, *"abcde")

    async def page(**query: Any) -> str:
        found = await server.get(f"{PATH}/{thread}", **query)
        return "".join(message["content"] for message in found.json()["messages"])

    assert await page(limit=2) == "de"
    assert await page(limit=2, before=4) == "bc"
    assert await page() == "abcde"


async def test_lists_show_pinned_threads_first_then_the_newest_traffic_and_hide_archived_ones(server: Server) -> None:
    ctx = await server.ctx()
    ids = {title: (await begun(server, title=title))["id"] for title in ("old", "busy", "pinned", "gone")}
    await server.patch(f"{PATH}/{ids['pinned']}", {"pinned": True})
    await server.patch(f"{PATH}/{ids['gone']}", {"archived": True})
    await said(ctx, ConversationId.parse(ids["pinned"]), "x")
    await said(ctx, ConversationId.parse(ids["old"]), "x")
    assert await titles(server) == ["pinned", "old", "busy"]
    assert await titles(server, offset=1, limit=1) == ["old"]
    assert await titles(server, pinned=True) == ["pinned"]
    assert await titles(server, archived=True) == ["gone"]
    assert await titles(server, channel="slack") == []
    at = (await server.get(f"{PATH}/{ids['pinned']}")).json()["conversation"]["last_message_at"]
    assert await titles(server, since=at) == ["pinned", "old"]
    assert await titles(server, since="2199-01-01T00:00:00Z") == []


async def test_words_of_messages_find_their_threads_best_match_first(server: Server) -> None:
    ctx = await server.ctx()
    ids = {}
    for title, channel, text in (
        ("refund", "chat", "Please refund order NW-10482, it was charged twice."),
        ("shipping", "sms", "When will you ship my order?"),
        ("weather", "chat", "Nice weather today."),
    ):
        ids[title] = ConversationId.parse((await begun(server, title=title, channel=channel))["id"])
        await said(ctx, ids[title], "Hello.", text)
    assert await titles(server, q="charged refunds NW-10482") == ["refund"]
    assert sorted(await titles(server, q="order")) == ["refund", "shipping"]
    assert await titles(server, q="order", channel="sms") == ["shipping"]
    assert await titles(server, q="order charged twice", limit=1) == ["refund"]
    assert await titles(server, q="order", archived=True) == []
    assert await titles(server, q='"; DROP (NEAR*') == []
    stranger = await server.another_workspace()
    assert (await server.get(PATH, key=stranger, q="order")).json() == []
    await server.delete(f"{PATH}/{ids['refund']}")
    assert await titles(server, q="order") == ["shipping"]


async def test_setters_say_what_shall_be_and_may_be_repeated(server: Server) -> None:
    thread = await begun(server, title="talk", extra={"a": 1})
    path = f"{PATH}/{thread['id']}"
    await said(await server.ctx(), ConversationId.parse(thread["id"]), "x")
    for _ in range(2):
        found = (await server.patch(path, {"pinned": True, "starred": True, "title": None, "read": True})).json()
        assert (found["pinned"], found["starred"], found["archived"], found["title"]) == (True, True, False, None)
        assert (found["unread_count"], found["extra"]) == (0, {"a": 1})
    for wrong in ({"pinned": None}, {"read": False}, {"channel": "sms"}):
        assert (await server.patch(path, wrong)).status_code == 422, wrong


async def test_a_thread_is_named_after_its_first_question(server: Server) -> None:
    ctx = await server.ctx()
    thread = ConversationId.parse((await begun(server))["id"])
    await said(ctx, thread, "Where  is\nmy order? " + "x" * 100, "And now?")
    title = (await server.get(f"{PATH}/{thread}")).json()["conversation"]["title"]
    assert title.startswith("Where is my order? xxx")
    assert title.endswith("…")
    assert len(title) == 80


async def test_deleting_takes_the_messages_along(server: Server) -> None:
    ctx = await server.ctx()
    thread = ConversationId.parse((await begun(server))["id"])
    await said(ctx, thread, "x")
    assert (await server.delete(f"{PATH}/{thread}")).json() == {"deleted": True}
    assert (await server.get(f"{PATH}/{thread}")).status_code == 404
    async with ctx.begin(write=False) as unit:
        assert await conversations.newest(unit, thread, 10) == ()


async def test_a_session_key_names_one_thread_of_its_channel_and_subject(server: Server) -> None:
    ctx = await server.ctx()

    async def opened(**fields: Any) -> ConversationId:
        async with ctx.begin() as unit:
            values = {"channel": Channel.SLACK, "subject": "bot", "session_key": "T1", **fields}
            return (await conversations.opened(unit, OpenThread.model_validate(values))).id

    first = await opened()
    assert await asyncio.gather(*(opened() for _ in range(5))) == [first] * 5
    assert len({first, await opened(subject="other"), await opened(channel=Channel.SMS)}) == 3
    taken = await server.post(PATH, {"channel": "slack", "subject": "bot", "session_key": "T1"})
    assert taken.status_code == 409


@pytest.fixture
async def thread(server: Server) -> Conversation:
    """A thread of an outsider."""
    async with (await server.ctx()).begin() as unit:
        wanted = OpenThread(channel=Channel.EMBED, subject="bot", session_key="S")
        return await conversations.opened(unit, wanted)


async def test_turns_are_taken_in_the_order_of_asking(server: Server, thread: Conversation) -> None:
    ctx = await server.ctx()
    order: list[int] = []

    async def speak(number: int) -> None:
        turn = await conversations.take_turn(ctx, thread.id, 30)
        order.append(number)
        await said(ctx, thread.id, f"begin {number}")
        await said(ctx, thread.id, f"end {number}")
        await turn.aclose()

    await asyncio.gather(*(speak(number) for number in range(6)))
    assert order == list(range(6))
    async with ctx.begin(write=False) as unit:
        texts = [message.content for message in await conversations.newest(unit, thread.id, 50)]
    assert texts == [f"{word} {number}" for number in range(6) for word in ("begin", "end")]


async def test_patience_ends_and_leaves_nobody_in_line(server: Server, thread: Conversation) -> None:
    ctx = await server.ctx()
    turn = await conversations.take_turn(ctx, thread.id, 30)
    with pytest.raises(InterlockError) as caught:
        await conversations.take_turn(ctx, thread.id, 0.01)
    assert (caught.value.kind, caught.value.code) == (Kind.CONFLICT, "turn_in_progress")
    await said(ctx, thread.id, "x")
    await turn.aclose()
    await (await conversations.take_turn(ctx, thread.id, 0.5)).aclose()


async def test_a_turn_on_another_server_is_waited_for_until_its_lease_is_over(
    server: Server, thread: Conversation
) -> None:
    ctx, mark = await server.ctx(), TypedId.new()
    async with ctx.begin() as unit:
        assert await Conversations(unit).take_turn(thread.id, mark, unit.now + timedelta(seconds=30))
    with pytest.raises(InterlockError, match="busy"):
        await conversations.take_turn(ctx, thread.id, 0.01)
    async with ctx.begin() as unit:
        assert await Conversations(unit).keep_turn(thread.id, mark, unit.now - timedelta(seconds=1))
    turn = await conversations.take_turn(ctx, thread.id, 0.5)
    async with ctx.begin() as unit:
        assert not await Conversations(unit).keep_turn(thread.id, mark, unit.now), "the dead one's sign comes too late"
        assert not await Conversations(unit).release_turn(thread.id, mark)
    await turn.aclose()


async def test_a_turn_that_was_lost_adds_nothing(server: Server, thread: Conversation) -> None:
    ctx = await server.ctx()
    turn = await conversations.take_turn(ctx, thread.id, 30)
    await said(ctx, thread.id, "x")
    async with ctx.begin() as unit:
        assert await Conversations(unit).release_turn(thread.id, turn.mark)

    async def answer() -> None:
        async with ctx.begin() as unit:
            message = NewMessage(role=MessageRole.ASSISTANT, content="late")
            await conversations.append(unit, Append(conversation_id=thread.id, messages=(message,)))
            await turn.end(unit)

    with pytest.raises(InterlockError) as caught:
        await answer()
    assert caught.value.code == "turn_lost"
    await turn.aclose()
    async with ctx.begin(write=False) as unit:
        assert [message.content for message in await conversations.newest(unit, thread.id, 9)] == ["x"]


async def test_an_outsiders_thread_in_which_nothing_was_said_is_dropped_and_an_owners_is_not(
    server: Server, thread: Conversation
) -> None:
    ctx = await server.ctx()
    own = ConversationId.parse((await begun(server, title="mine"))["id"])
    for one in (thread.id, own):
        await (await conversations.take_turn(ctx, one, 1)).aclose()
    assert await titles(server) == ["mine"]
    with pytest.raises(InterlockError) as caught:
        await conversations.take_turn(ctx, thread.id, 1)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_the_ends_of_the_calendar_are_moments_like_others(server: Server) -> None:
    for since in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        answer = await server.get("/api/v1/conversations", since=since)
        assert (answer.status_code, answer.json()) == (200, [])
