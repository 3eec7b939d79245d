"""Chatbots, their visitors, and the conversations that come of it."""

from tests.contracts.drives import Recorder
from tests.support.chat import write_script

BY_HAND = {"GET /embed.js"}
"""A script is no JSON: the suite of the embed doors holds it to the contract."""
PREFIXES = {"chatbot_id": "cb", "embed_id": "emb", "conversation_id": "conv"}


async def drive(recorder: Recorder) -> None:
    """Use every endpoint once."""
    call = recorder.call
    model = write_script(recorder.server.runtime.settings.data_dir, "drive", "Good day.", "Still here.")
    bot = await call("POST /api/v1/chatbots", {"name": "bot", "model": model, "system_prompt": "Be kind."})
    await call("PATCH /api/v1/chatbots/{chatbot_id}", {"status": "deployed"}, chatbot_id=bot["id"])
    await call("GET /api/v1/chatbots")
    answers = []
    for message in ("Hello.", "Are you there?"):
        said = {"message": message, "session_id": "sess_user123"}
        page = {"origin": "https://shop.example"}
        answers.append(await call("POST /api/embed/{embed_id}/chat", said, headers=page, embed_id=bot["embed_id"]))
    assert [(each["response"], each["session_id"]) for each in answers] == [
        ("Good day.", "sess_user123"),
        ("Still here.", "sess_user123"),
    ]
    await call("DELETE /api/v1/chatbots/{chatbot_id}", chatbot_id=bot["id"])
