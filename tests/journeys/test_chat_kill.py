"""`kill -9` while an answer is written, while a call waits, and right after the decision: one answer, whole, once."""

import json
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest

from interlock.domains.runs.service.spoken import put_together
from interlock.runtime.events import StreamEvent
from tests.support.following import Events, of_type
from tests.support.process import ServerProcess, serving

pytestmark = pytest.mark.journey

MAIL = {"to": "ada@example.com", "subject": "Hello", "body": "Good day."}
TURNS = [
    {"text": "I will write to them.", "tool_calls": [{"tool": "comms.send_email", "arguments": MAIL}]},
    {"text": "Then I shall not."},
]


async def test_an_answer_survives_the_server_that_was_writing_it(tmp_path: Path, database_url: str | None) -> None:
    """The embedded model writes; its server dies in the middle, and the answer is begun anew."""

    def story() -> None:
        with serving(tmp_path / "data", database_url) as server:
            chat = _post(server, "/api/v1/chats", {"model": "local"})["id"]
            text = "Write four sentences about the sea."
            turn = _post(server, f"/api/v1/chats/{chat}/messages", {"text": text})
            heard = _follow(server, turn["id"])
            heard.until(of_type("text"))
            server.kill()
            server.start()
            heard.until(of_type("ended"))
            attempts = {event["data"]["attempt"] for event in heard.all if event["type"] == "text"}
            assert len(attempts) == 2, "the answer was begun twice"
            _check(server, chat, heard)

    await anyio.to_thread.run_sync(story)


async def test_a_chat_waits_for_a_person_over_deaths_of_its_server(tmp_path: Path, database_url: str | None) -> None:
    """Killed while a call is held, and again as soon as a person has decided."""

    def story() -> None:
        data_dir = tmp_path / "data"
        with serving(data_dir, database_url) as server:
            (data_dir / "scripts").mkdir()
            (data_dir / "scripts" / "mailer.json").write_text(json.dumps({"label": "mailer", "turns": TURNS}))
            gate = {"name": "Mail", "type": "approval", "mode": "pause", "match": {"tools": ["comms.*"]}}
            _post(server, "/api/v1/policies", gate)
            agent = {"name": "Mailer", "model": "scripted:mailer", "tools": ["comms.send_email"]}
            agent_id = _post(server, "/api/v1/agents", agent)["id"]
            chat = _post(server, "/api/v1/chats", {"agent_id": agent_id})["id"]
            turn = _post(server, f"/api/v1/chats/{chat}/messages", {"text": "Write to Ada."})
            Events(server, turn["id"]).until(of_type("tool.held"))
            server.kill()
            server.start()
            (approval,) = server.request("GET", "/api/v1/approvals?status=pending").json()
            _post(server, f"/api/v1/approvals/{approval['id']}/reject", {})
            server.kill()
            server.start()
            heard = _follow(server, turn["id"])
            heard.until(of_type("ended"))
            answer = _check(server, chat, heard)
            assert answer["content"] == "I will write to them.\n\nThen I shall not."
            assert [part["decision"] for part in answer["parts"] if part["kind"] == "tool"] == ["denied"]
            assert server.request("GET", "/api/ledger/verify").json()["valid"]

    await anyio.to_thread.run_sync(story)


def _post(server: ServerProcess, path: str, body: Any) -> dict[str, Any]:
    reply = server.request("POST", path, body)
    assert reply.status_code == httpx.codes.OK, reply.text
    return dict(reply.json())


def _follow(server: ServerProcess, run_id: str) -> Events:
    events = Events(server, run_id)
    events.url = f"/api/v1/chats/answers/{run_id}/events"
    return events


def _check(server: ServerProcess, chat: str, heard: Events) -> dict[str, Any]:
    """One answer, the one that was heard, and its stream without gaps."""
    assert heard.numbers == list(range(1, len(heard.numbers) + 1))
    thread = server.request("GET", f"/api/v1/chats/{chat}").json()
    assert [message["role"] for message in thread["messages"]] == ["user", "assistant"]
    assert [turn["state"] for turn in thread["turns"]] == ["answered"]
    answer: dict[str, Any] = thread["messages"][1]
    spoken = put_together(StreamEvent.model_validate({"stream": "", **event}) for event in heard.all)
    assert answer["content"] == spoken.text() != ""
    assert answer["id"] == thread["turns"][0]["answer_id"]
    return answer
