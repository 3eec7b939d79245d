"""Chatbots on a test server: conversation files as models, and a deployed bot."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.app import Server


def write_script(data_dir: Path, name: str, *answers: str) -> str:
    """A conversation file that says these texts in turn; returns the model's name."""
    folder = data_dir / "scripts"
    folder.mkdir(exist_ok=True)
    script = {"label": name, "turns": [{"text": answer} for answer in answers]}
    (folder / f"{name}.json").write_text(json.dumps(script))
    return f"scripted:{name}"


async def deployed(server: Server, *answers: str, **fields: Any) -> dict[str, Any]:
    """A deployed chatbot that gives these answers in turn, or is served by the `model` given."""
    model = fields.pop("model", None) or write_script(server.runtime.settings.data_dir, "bot", *answers)
    made = await server.post("/api/v1/chatbots", {"name": "Shop helper", "model": model, **fields})
    assert made.status_code == 200, made.text
    bot: dict[str, Any] = made.json()
    answer = await server.patch(f"/api/v1/chatbots/{bot['id']}", {"status": "deployed"})
    assert answer.json()["status"] == "deployed"
    return bot


async def say(server: Server, bot: dict[str, Any], message: str, session: str | None = None) -> httpx.Response:
    """One visitor's message."""
    body = {"message": message} if session is None else {"message": message, "session_id": session}
    return await server.http.post(f"/api/embed/{bot['embed_id']}/chat", json=body)


def events_in(text: str) -> list[tuple[str, Any]]:
    """The server-sent events of a body: kind and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
