"""Samples of hooks and webhooks."""

from interlock.domains.webhooks.call_log import call_log_of
from interlock.domains.webhooks.states import CallOutcome
from interlock.domains.webhooks.views import HookId
from interlock.kit.ids import TypedId
from tests.contracts.world import CLOSED_PORT, Sample, World, nothing, reference, unique


async def _subscribe(_world: World) -> Sample:
    return Sample({"url": f"{CLOSED_PORT}/{unique('in')}", "events": ["run.completed"], "styles": ["stratam"]})


async def _update(world: World) -> Sample:
    return Sample({"subscription_id": await world.made("webhooks.subscribe"), "events": ["approval.*"]})


async def _create_hook(world: World) -> Sample:
    return Sample({"workflow_id": await world.made("workflows.create"), "slug": unique("hook")})


async def _update_hook(world: World) -> Sample:
    return Sample({"hook_id": await world.made("hooks.create"), "status": "paused", "rate_limit_per_minute": 60})


async def _receive(world: World) -> Sample:
    workflow = await world.made("workflows.create")
    await world.call("workflows.update", {"workflow_id": workflow, "status": "published"})
    slug = unique("open")
    await world.call("hooks.create", {"workflow_id": workflow, "slug": slug, "secret": None})
    return Sample({"slug": slug, "body": b"{}", "headers": {}})


async def _noted(world: World, hook: TypedId) -> Sample:
    """A hook's call that was received and noted."""
    ctx = await world.ctx()
    calls = call_log_of(ctx.runtime)
    calls.note(ctx, HookId.of(hook), CallOutcome.ACCEPTED, {}, b"{}")
    await calls.write(ctx)
    (call,) = (await world.call("hooks.calls", {"hook_id": hook})).items
    return Sample({"hook_id": hook, "call_id": call.id})


async def _call(world: World) -> Sample:
    return await _noted(world, await world.made("hooks.create"))


async def _replay(world: World) -> Sample:
    workflow = await world.made("workflows.create")
    await world.call("workflows.update", {"workflow_id": workflow, "status": "published"})
    made = await world.call("hooks.create", {"workflow_id": workflow, "slug": unique("again")})
    return await _noted(world, made.id)


SAMPLES = {
    "hooks.calls": reference("hook_id", "hooks.create"),
    "hooks.create": _create_hook,
    "hooks.delete": reference("hook_id", "hooks.create"),
    "hooks.get": reference("hook_id", "hooks.create"),
    "hooks.get_call": _call,
    "hooks.list": nothing,
    "hooks.receive": _receive,
    "hooks.replay_call": _replay,
    "hooks.rotate_secret": reference("hook_id", "hooks.create"),
    "hooks.update": _update_hook,
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

# Operations that a face serves by hand, and where.
BY_HAND = {"hooks.receive": ("POST", "/hooks/{slug}")}
# Callable without any credential.
PUBLIC = frozenset({"hooks.receive"})
