"""Chatbots as their owners handle them, what their models are told, and what a session id is worth."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.domains.chatbots import sessions
from interlock.domains.chatbots.views import EmbedId
from interlock.domains.conversations import service as conversations
from interlock.domains.conversations.states import MessageRole, MessageStatus
from interlock.domains.conversations.views import ConversationId, Message, MessageId
from tests.support.app import Server

PATH = "/api/v1/chatbots"
BOT = {"name": "Helper", "model": "scripted:none"}


async def test_a_chatbot_is_born_a_draft_and_lives_by_patches(server: Server) -> None:
    bot = (await server.post(PATH, {**BOT, "system_prompt": "Be kind.", "color": "#aabbcc"})).json()
    assert set(bot) == {"id", "name", "embed_id", "status", "created_at"}
    assert bot["status"] == "draft"
    path = f"{PATH}/{bot['id']}"
    changed = (await server.patch(path, {"status": "deployed", "greeting": "Hi", "system_prompt": None})).json()
    assert (changed["status"], changed["embed_id"]) == ("deployed", bot["embed_id"])
    full = (await server.get(path)).json()
    assert (full["greeting"], full["system_prompt"], full["color"], full["position"]) == (
        "Hi",
        None,
        "#aabbcc",
        "right",
    )
    (row,) = (await server.get(PATH, status="deployed")).json()
    assert set(row) == {"id", "name", "model", "embed_id", "status", "created_at"}
    assert (await server.patch(path, {"status": "draft"})).json()["status"] == "draft"
    assert (await server.delete(path)).json() == {"deleted": True}
    assert (await server.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"model": ""}, "model"),
        ({"color": "red"}, "color"),
        ({"color": "#12345"}, "color"),
        ({"position": "top"}, "position"),
        ({"allowed_origins": []}, "allowed_origins"),
        ({"allowed_origins": ["https://shop.example/path"]}, "allowed_origins.0"),
        ({"allowed_origins": ["shop.example"]}, "allowed_origins.0"),
        ({"knowledge_base": ["kb_01h455vb4pex5vsknk084sn02q"]}, "knowledge_base"),
        ({"knowledge_base": ["nonsense"]}, "knowledge_base.0"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"status": "deployed"}, "status"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_makes_no_chatbot_is_refused_by_name(server: Server, fields: dict[str, Any], field: str) -> None:
    answer = await server.post(PATH, {**BOT, **fields})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["field"] == field


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_must_be_there_cannot_be_set_to_null(server: Server) -> None:
    bot = (await server.post(PATH, BOT)).json()
    for field in ("name", "model", "knowledge_base", "position", "max_tokens", "history_tokens", "status"):
        assert (await server.patch(f"{PATH}/{bot['id']}", {field: None})).status_code == 422, field


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_origins_are_kept_as_browsers_spell_them(server: Server) -> None:
    origins = ["https://Shop.example/", "https://shop.example:443", "http://localhost:8080"]
    bot = (await server.post(PATH, {**BOT, "allowed_origins": origins})).json()
    kept = (await server.get(f"{PATH}/{bot['id']}")).json()["allowed_origins"]
    assert kept == ["https://shop.example", "https://shop.example", "http://localhost:8080"]
    await server.patch(f"{PATH}/{bot['id']}", {"allowed_origins": None})
    assert (await server.get(f"{PATH}/{bot['id']}")).json()["allowed_origins"] is None


_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(sequence: int, role: MessageRole, content: str, status: MessageStatus = MessageStatus.COMPLETE) -> Message:
    return Message(
        id=MessageId.new(),
        number=sequence,
        conversation_id=ConversationId.new(),
        sequence=sequence,
        role=role,
        status=status,
        content=content,
        parts=(),
        sources=(),
        model=None,
        tokens=None,
        cost=None,
        created_at=_NOW,
    )


def exchange(at: int, question: str, answer: str, status: MessageStatus = MessageStatus.COMPLETE) -> list[Message]:
    return [message(at, MessageRole.USER, question), message(at + 1, MessageRole.ASSISTANT, answer, status)]


def test_history_is_cut_at_whole_exchanges_from_the_old_end() -> None:
    history = [*exchange(1, "a" * 40, "b" * 40), *exchange(3, "c" * 20, "d" * 20), *exchange(5, "e" * 4, "f" * 4)]
    assert [each.content[0] for each in conversations.recent(history, 1000)] == list("abcdef")
    assert [each.content[0] for each in conversations.recent(history, 13)] == list("cdef")
    assert [each.content[0] for each in conversations.recent(history, 11)] == list("ef")
    assert conversations.recent(history, 0) == []
    assert [each.content[0] for each in conversations.recent(history[1:], 1000)] == list("cdef"), (
        "no answer without question"
    )


def test_a_withheld_answer_goes_with_its_question() -> None:
    history = [*exchange(1, "a", "b", MessageStatus.WITHHELD), *exchange(3, "c", "d", MessageStatus.INTERRUPTED)]
    assert [each.content for each in conversations.recent(history, 1000)] == ["c", "d"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_only_ids_that_the_server_issued_are_good_from_anywhere(server: Server) -> None:
    here = replace(await server.ctx(), source="192.0.2.1")
    there = replace(here, source="192.0.2.2")
    bot, other = EmbedId.new(), EmbedId.new()
    issued = sessions.issued(here, bot)
    assert sessions.is_issued(there, bot, issued)
    assert not sessions.is_issued(there, other, issued)
    assert sessions.key_of(here, bot, issued) == sessions.key_of(there, bot, issued)
    assert sessions.key_of(here, bot, issued) != sessions.key_of(here, other, issued)
    forged = issued[:-1] + ("0" if issued[-1] != "0" else "1")
    for made in ("sess_user123", "sess_", forged, issued.removeprefix("sess_"), "é" * 48):
        assert not sessions.is_issued(here, bot, made)
        assert sessions.key_of(here, bot, made) != sessions.key_of(there, bot, made)
        assert sessions.key_of(here, bot, made) == sessions.key_of(here, bot, made)
        assert made not in sessions.key_of(here, bot, made)
