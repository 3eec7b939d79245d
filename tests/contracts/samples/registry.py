"""Samples of the AI registry."""

from tests.contracts.world import Build, Sample, World, nothing, unique


async def _system(world: World) -> Sample:
    name = unique("desk")
    await world.call("agents.create", {"name": name, "model": "scripted:nothing", "tools": ["crm"]})
    page = await world.call("registry.list", {"kind": "agent"})
    return Sample({"system_id": next(system.id for system in page.items if system.name == name)})


async def _assess(world: World) -> Sample:
    named = await _system(world)
    return Sample({**named.payload, "overrides": {"bias": 70}, "tags": ["Annex III"], "reason": "Screens people."})


SAMPLES: dict[str, Build] = {
    "registry.assess": _assess,
    "registry.get": _system,
    "registry.list": nothing,
}
