"""Routes of models: a name that stands for several models, tried in order."""

from starlette.responses import Response

from interlock.domains.llm import service as llm
from interlock.faces.dashboard.fields import given, words_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action
from interlock.faces.dashboard.visits import Visit


async def create(visit: Visit) -> Response:
    """Give a name to an ordered list of models."""
    form = await visit.form()
    values = {**given(form, "name"), "targets": words_of(form, "targets")}
    made = await visit.call(llm.create_route, visit.command(llm.CreateRoute, values))
    return go(visit, "/settings/providers", said=f"'{made.name}' stands for {', '.join(made.targets)}.")


async def delete(visit: Visit) -> Response:
    """Remove a route."""
    await visit.call(llm.delete_route, visit.command(llm.RouteRef, {}, "route_id"))
    return go(visit, "/settings/providers", said="The route is gone.")


ROUTES = (
    action("/settings/routes/new", create),
    action("/settings/routes/{route_id}/delete", delete),
)
