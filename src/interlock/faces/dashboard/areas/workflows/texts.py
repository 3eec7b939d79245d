"""A workflow as YAML or JSON: read, edit, apply, download."""

import re
from typing import Any

from starlette.responses import Response

from interlock.domains.workflows import service as workflows
from interlock.domains.workflows.exchange import service as exchange
from interlock.domains.workflows.exchange.states import Format
from interlock.domains.workflows.exchange.views import WorkflowDocument
from interlock.faces.dashboard.refusals import problems_of
from interlock.faces.dashboard.render import attachment, go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError, Kind

_MEDIA = {Format.YAML: "application/yaml", Format.JSON: "application/json"}
_NOT_IN_FILES = re.compile(r"[^A-Za-z0-9_-]+")


async def document(visit: Visit) -> Response:
    """The text, to look at and to change."""
    written = await _written(visit)
    return await _page(visit, text=written.text, form=written.format, version=written.version)


async def apply(visit: Visit) -> Response:
    """The text as the workflow; what is wrong with it is told by line, node and field."""
    fields = await visit.form()
    text, expected = fields.get("text", ""), fields.get("expected_version", "")
    values = {"text": text, "expected_version": expected or None}
    try:
        command = visit.command(exchange.ApplyText, values, "workflow_id")
        saved = await visit.call(exchange.apply_text, command)
    except InterlockError as error:
        if error.kind not in {Kind.INVALID, Kind.MALFORMED, Kind.CONFLICT}:
            raise
        found = [problem["message"] for problem in error.data.get("problems", ()) if "message" in problem]
        notice = error.message if not error.hint else f"{error.message} {error.hint}"
        words = found or [problems_of(error).notice or notice]
        form = Format.JSON if text.lstrip().startswith("{") else Format.YAML
        version = int(expected) if expected.isascii() and expected.isdigit() else None
        return await _page(visit, status=422, text=text, form=form, version=version, problems=words)
    return go(visit, f"/workflows/{saved.id}/document", said=f"Applied: version {saved.version}.")


async def download(visit: Visit) -> Response:
    """The text as a file."""
    written = await _written(visit)
    name = (await visit.call(workflows.get, workflows.WorkflowRef(workflow_id=written.workflow_id))).name
    file = f"{_NOT_IN_FILES.sub('-', name).strip('-').lower() or 'workflow'}.{written.format.value}"
    return attachment(file, written.text, _MEDIA[written.format])


async def _written(visit: Visit) -> WorkflowDocument:
    values = {name: visit.query[name] for name in ("format", "version") if name in visit.query}
    return await visit.call(exchange.export, visit.command(exchange.ExportWorkflow, values, "workflow_id"))


async def _page(visit: Visit, *, status: int = 200, problems: list[str] | None = None, **values: Any) -> Response:
    found = await visit.call(workflows.get, visit.command(workflows.WorkflowRef, {}, "workflow_id"))
    return html(visit, "workflows/document.html", status=status, workflow=found, problems=problems or [], **values)


ROUTES = (
    page("/workflows/{workflow_id}/document", document),
    action("/workflows/{workflow_id}/document", apply),
    page("/workflows/{workflow_id}/document/file", download),
)
