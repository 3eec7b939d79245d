"""Samples of chatbots and conversations."""

from tests.contracts.world import Build, Sample, World, nothing, reference, unique
from tests.support.chat import write_script


async def _create_chatbot(world: World) -> Sample:
    model = write_script(world.server.runtime.settings.data_dir, "sample", "Good day.", "And again.")
    return Sample({"name": unique("bot"), "model": model, "greeting": "Hello!", "color": "#112233"})


async def _update_chatbot(world: World) -> Sample:
    return Sample({"chatbot_id": await world.made("chatbots.create"), "status": "deployed", "title": "Helper"})


async def _embed(world: World) -> Sample:
    bot = await world.run("chatbots.update")
    return Sample({"embed_id": bot.embed_id})


async def _say(world: World) -> Sample:
    return Sample({**(await _embed(world)).payload, "message": "Hello."})


async def _create_conversation(_world: World) -> Sample:
    return Sample({"channel": "chat", "title": "First talk", "extra": {"colour": "green"}})


async def _update_conversation(world: World) -> Sample:
    return Sample({"conversation_id": await world.made("conversations.create"), "pinned": True, "read": True})


SAMPLES: dict[str, Build] = {
    "chatbots.create": _create_chatbot,
    "chatbots.delete": reference("chatbot_id", "chatbots.create"),
    "chatbots.get": reference("chatbot_id", "chatbots.create"),
    "chatbots.list": nothing,
    "chatbots.reply": _say,
    "chatbots.stream": _say,
    "chatbots.update": _update_chatbot,
    "chatbots.widget": _embed,
    "conversations.create": _create_conversation,
    "conversations.delete": reference("conversation_id", "conversations.create"),
    "conversations.get": reference("conversation_id", "conversations.create"),
    "conversations.list": nothing,
    "conversations.update": _update_conversation,
}
BY_HAND = {
    "chatbots.reply": ("POST", "/api/embed/{embed_id}/chat"),
    "chatbots.stream": ("POST", "/api/embed/{embed_id}/chat"),
}
STREAMS = {"chatbots.stream": "ReplyStream"}
PUBLIC = frozenset({"chatbots.reply", "chatbots.stream", "chatbots.widget"})
