"""Samples of chats."""

from tests.contracts.world import ENDINGS, Build, Sample, World, nothing, reference, unique
from tests.support.chat import write_script
from tests.support.story import CHARGE, REFUND_DESK


async def _open(world: World) -> Sample:
    model = write_script(world.server.runtime.settings.data_dir, "chat", "Good day.", "And again.", "And once more.")
    return Sample({"model": model})


async def _say(world: World) -> Sample:
    return Sample({"conversation_id": await world.made("chats.open"), "text": "Hello."})


async def _said(world: World) -> Sample:
    """A chat in which an answer was given."""
    turn = await world.run("chats.say")
    await world.settle()
    return Sample({"conversation_id": turn.conversation_id})


async def _stop(world: World) -> Sample:
    """A chat whose answer waits for a person, so that it is still there to be stopped."""
    match = {"tools": ["crm.create_contact"]}
    await world.call("policies.create", {"name": unique("gate"), "type": "approval", "mode": "pause", "match": match})
    agent = await world.call("agents.create", {**REFUND_DESK, "name": unique("desk")})
    chat = await world.call("chats.open", {"agent_id": agent.id})
    text = f"Refund {CHARGE} please. ORDER NW-10482"
    turn = await world.call("chats.say", {"conversation_id": chat.id, "text": text})
    assert await world.next_event(turn.id, {"tool.held", *ENDINGS}) == "tool.held"
    return Sample({"conversation_id": chat.id})


async def _events(world: World) -> Sample:
    return Sample({"run_id": await world.made("chats.say")})


SAMPLES: dict[str, Build] = {
    "chats.delete": reference("conversation_id", "chats.open"),
    "chats.events": _events,
    "chats.get": reference("conversation_id", "chats.open"),
    "chats.list": nothing,
    "chats.open": _open,
    "chats.regenerate": _said,
    "chats.say": _say,
    "chats.stop": _stop,
}
BY_HAND = {"chats.events": ("GET", "/api/v1/chats/answers/{run_id}/events")}
ALSO_EVIDENCE = {"chats.stop": 2}  # as when a run is cancelled
