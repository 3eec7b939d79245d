"""Samples of webhooks."""

from tests.contracts.world import CLOSED_PORT, Sample, World, nothing, reference, unique


async def _subscribe(_world: World) -> Sample:
    return Sample({"url": f"{CLOSED_PORT}/{unique('in')}", "events": ["run.completed"], "styles": ["stratam"]})


async def _update(world: World) -> Sample:
    return Sample({"subscription_id": await world.made("webhooks.subscribe"), "events": ["approval.*"]})


SAMPLES = {
    "webhooks.delete": reference("subscription_id", "webhooks.subscribe"),
    "webhooks.events": nothing,
    "webhooks.get": reference("subscription_id", "webhooks.subscribe"),
    "webhooks.get_delivery": reference("delivery_id", "webhooks.ping"),
    "webhooks.list": nothing,
    "webhooks.list_deliveries": nothing,
    "webhooks.ping": reference("subscription_id", "webhooks.subscribe"),
    "webhooks.retry": reference("delivery_id", "webhooks.ping"),
    "webhooks.rotate_secret": reference("subscription_id", "webhooks.subscribe"),
    "webhooks.subscribe": _subscribe,
    "webhooks.update": _update,
}
