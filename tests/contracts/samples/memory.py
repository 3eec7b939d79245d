"""Samples of the memory domain."""

from tests.contracts.world import Build, Sample, World, nothing, reference, unique


async def _create(_world: World) -> Sample:
    return Sample({"content": f"Acme renews in March, {unique('note')}.", "type": "business", "tags": ["sales"]})


async def _update(world: World) -> Sample:
    return Sample({"memory_id": await world.made("memory.create"), "importance": 8, "tags": ["sales", "acme"]})


async def _search(_world: World) -> Sample:
    return Sample({"query": "When does Acme renew?", "top_k": 3})


SAMPLES: dict[str, Build] = {
    "memory.create": _create,
    "memory.delete": reference("memory_id", "memory.create"),
    "memory.get": reference("memory_id", "memory.create"),
    "memory.list": nothing,
    "memory.recalls": reference("memory_id", "memory.create"),
    "memory.search": _search,
    "memory.update": _update,
}
