"""Routes about templates."""

from interlock.domains.workflows.templates import service as templates
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.templates import TemplateInstantiated, TemplateListed, TemplateShown

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/templates", templates.list_, list[TemplateListed]),
    route("GET", "/api/v1/templates/{template_id}", templates.get, TemplateShown),
    route("POST", "/api/v1/templates/{template_id}/instantiate", templates.instantiate, TemplateInstantiated),
)
