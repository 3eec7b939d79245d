"""Samples of templates."""

from tests.contracts.world import Build, Sample, World, nothing

TEMPLATE = "tpl_ticket_triage"


async def _get(_world: World) -> Sample:
    return Sample({"template_id": TEMPLATE})


async def _instantiate(_world: World) -> Sample:
    overrides = {"nodes": {"draft": {"config": {"temperature": 0.2}}}, "budget": {"per_run_cap": 0.5}}
    return Sample({"template_id": TEMPLATE, "name": "My triage", "overrides": overrides})


SAMPLES: dict[str, Build] = {
    "templates.get": _get,
    "templates.instantiate": _instantiate,
    "templates.list": nothing,
}
