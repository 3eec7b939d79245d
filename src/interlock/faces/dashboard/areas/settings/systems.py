"""The registry of AI systems: everything that acts here, its scope, its risk, and what a person says of it."""

from starlette.responses import Response

from interlock.domains.governance.policies.views import RiskLevel
from interlock.domains.governance.registry import service as registry
from interlock.domains.governance.registry.states import SystemKind
from interlock.domains.governance.risk.views import Dimension
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import query_without, words_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError


async def index(visit: Visit) -> Response:
    """All systems."""
    query = {name: value for name, value in visit.query.items() if name in {"kind", "risk", "removed", "offset"}}
    wanted = visit.command(registry.ListSystems, {**query, "limit": 50})
    return section(
        visit,
        "settings/systems.html",
        found=await visit.call(registry.list_, wanted),
        wanted=wanted,
        kinds=tuple(SystemKind),
        levels=tuple(RiskLevel),
        onward=query_without(query, "offset"),
    )


async def show(visit: Visit) -> Response:
    """One system with its risk explained."""
    return await _page(visit)


async def assess(visit: Visit) -> Response:
    """Weigh a system again, with what a person knows better."""
    form = await visit.form()
    try:
        seen = await visit.call(registry.get, visit.command(registry.SystemRef, {}, "system_id"))
        overrides = {}
        for dimension in Dimension:
            text = form.get(dimension.value, "").strip()
            before = seen.overrides.get(dimension)
            if text != ("" if before is None else f"{before:g}"):
                overrides[dimension.value] = text or None
        tags = words_of(form, "tags")
        values = {"overrides": overrides, **({"reason": form["reason"]} if form.get("reason", "").strip() else {})}
        if sorted(tags) != sorted(seen.tags):
            values["tags"] = tags
        found = await visit.call(registry.assess_system, visit.command(registry.AssessSystem, values, "system_id"))
    except InterlockError as error:
        return await _page(visit, problems_of(error))
    return go(visit, f"/settings/registry/{found.id}", said=f"Weighed: {found.level.value}, {found.score:.0f} of 100.")


async def _page(visit: Visit, problems: Problems | None = None) -> Response:
    found = await visit.call(registry.get, visit.command(registry.SystemRef, {}, "system_id"))
    return section(
        visit,
        "settings/system.html",
        status=422 if problems else 200,
        system=found,
        dimensions=tuple(Dimension),
        problems=problems or Problems(),
    )


ROUTES = (
    page("/settings/registry", index),
    page("/settings/registry/{system_id}", show),
    action("/settings/registry/{system_id}", assess),
)
