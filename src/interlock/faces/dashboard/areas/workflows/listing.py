"""All workflows at a glance, the templates, and the ways to a new one."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from starlette.responses import Response

from interlock.domains.workflows import service as workflows
from interlock.domains.workflows.exchange import service as exchange
from interlock.domains.workflows.palette import kinds
from interlock.domains.workflows.states import Category, WorkflowStatus
from interlock.domains.workflows.templates import service as templates
from interlock.domains.workflows.templates.views import TemplateDetail
from interlock.domains.workflows.watching import service as watching
from interlock.faces.dashboard.refusals import problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.paging import MAXIMUM_LIMIT

_LIMIT = 25


@dataclass(frozen=True, slots=True)
class Offer:
    """A template with what it needs before it can work."""

    template: TemplateDetail
    needs: tuple[str, ...]


async def overview(visit: Visit) -> Response:
    """The page."""
    return html(visit, "workflows/list.html", **await _listed(visit))


async def rows(visit: Visit) -> Response:
    """The list alone, for when something in it has changed."""
    return html(visit, "workflows/_list.html", **await _listed(visit))


async def _listed(visit: Visit) -> dict[str, Any]:
    now = visit.ctx.now.astimezone(visit.zone)
    today = datetime.combine(now.date(), time(), visit.zone)
    query = {"limit": _LIMIT, **{name: visit.query[name] for name in ("offset", "status") if name in visit.query}}
    command = visit.command(watching.ListAtWork, {**query, "since": today})
    statuses = [("", "All"), *((status.value, status.value.capitalize()) for status in WorkflowStatus)]
    return {
        "found": await visit.call(watching.at_work, command),
        "wanted": visit.query.get("status", ""),
        "statuses": statuses,
    }


async def new(visit: Visit) -> Response:
    """Where a new workflow comes from."""
    return html(visit, "workflows/new.html", problems=None, values={}, report=None)


async def create(visit: Visit) -> Response:
    """An empty draft, opened in the editor."""
    form = await visit.form()
    try:
        values = {"name": form.get("name", ""), "description": form.get("description") or None}
        made = await visit.call(workflows.create, visit.command(workflows.CreateWorkflow, values))
    except InterlockError as error:
        return html(visit, "workflows/new.html", status=422, problems=problems_of(error), values=form, report=None)
    return go(visit, f"/workflows/{made.id}")


async def import_text(visit: Visit) -> Response:
    """A draft of a YAML, JSON or n8n text; tells node by node what became of it."""
    form = await visit.form()
    try:
        values = {"text": form.get("text", ""), "name": form.get("import_name") or None}
        report = await visit.call(exchange.import_text, visit.command(exchange.ImportText, values))
    except InterlockError as error:
        return html(visit, "workflows/new.html", status=422, problems=problems_of(error), values=form, report=None)
    if report.id is not None and not report.report:
        return go(visit, f"/workflows/{report.id}", said="Imported.")
    status = 200 if report.id is not None else 422
    return html(visit, "workflows/new.html", status=status, problems=None, values=form, report=report)


async def gallery(visit: Visit) -> Response:
    """The templates, with what each needs."""
    found = await visit.call(templates.list_, templates.ListTemplates(limit=MAXIMUM_LIMIT))
    details = [await visit.call(templates.get, templates.TemplateRef(template_id=row.id)) for row in found.items]
    offers = [Offer(detail, _needs(detail)) for detail in details]
    categories = sorted({offer.template.category for offer in offers})
    wanted = visit.query.get("category", "")
    shown = [offer for offer in offers if not wanted or offer.template.category == wanted]
    return html(visit, "workflows/templates.html", offers=shown, categories=categories, wanted=wanted)


def _needs(template: TemplateDetail) -> tuple[str, ...]:
    used = {node.kind for node in template.nodes}
    needs = ["a model"] if any(kinds()[kind].category is Category.AI and kind != "classify" for kind in used) else []
    needs += sorted({str(node.config["tool"]) for node in template.nodes if node.kind == "tool"})
    needs += ["somebody who approves"] if "gate" in used else []
    needs += ["documents"] if "knowledge" in used else []
    needs += ["a table"] if used & {"table_read", "table_write"} else []
    return tuple(needs)


async def use_template(visit: Visit) -> Response:
    """A draft of a template, opened in the editor."""
    made = await visit.call(templates.instantiate, visit.command(templates.InstantiateTemplate, {}, "template_id"))
    return go(visit, f"/workflows/{made.workflow_id}", said=f"“{made.name}” is a draft of yours now.")


ROUTES = (
    page("/workflows", overview),
    page("/workflows/_list", rows),
    page("/workflows/new", new),
    action("/workflows/new", create),
    action("/workflows/import", import_text),
    page("/workflows/templates", gallery),
    action("/workflows/templates/{template_id}/use", use_template),
)
