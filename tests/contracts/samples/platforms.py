"""Samples of platform connections."""

from tests.contracts.world import Build, Sample, World, nothing, reference, unique


async def _create(_world: World) -> Sample:
    return Sample({"name": unique("zap"), "kind": "zapier", "tools": ["crm"], "resources": {"channel": ["ops-*"]}})


async def _check(world: World) -> Sample:
    url = (await world.run("platforms.create")).webhook_url
    return Sample({"connection_token": url.split("/")[-2], "tool": unique("crm.create"), "args": {"name": "Ada"}})


SAMPLES: dict[str, Build] = {
    "platforms.check": _check,
    "platforms.create": _create,
    "platforms.disconnect": reference("platform_id", "platforms.create"),
    "platforms.get": reference("platform_id", "platforms.create"),
    "platforms.list": nothing,
    "platforms.rotate": reference("platform_id", "platforms.create"),
}
PUBLIC = frozenset({"platforms.check"})
