"""The graph editor of one workflow: its page, its live check, saving, publishing, versions, deleting."""

from typing import Any

import orjson
from starlette.responses import Response

from interlock.domains.runs import service as runs
from interlock.domains.workflows import service as workflows
from interlock.domains.workflows.states import WorkflowStatus
from interlock.domains.workflows.templates import service as templates
from interlock.domains.workflows.views import Workflow
from interlock.faces.dashboard.areas.workflows.choices import choices
from interlock.faces.dashboard.areas.workflows.running import shown_run
from interlock.faces.dashboard.refusals import problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.web.errors import STATUS
from interlock.kit.errors import InterlockError, invalid
from interlock.kit.json_text import parse_json
from interlock.kit.operations import Nothing

_MOST_DEEP = 64
_EXAMPLE_QUESTION = "How do I change my password?"
EXAMPLE = {
    "nodes": [
        {
            "id": "start",
            "kind": "trigger",
            "name": "A question comes in",
            "config": {"sample": {"question": _EXAMPLE_QUESTION}},
        },
        {
            "id": "answer",
            "kind": "ai",
            "name": "Answer it",
            "config": {"model": "default", "prompt": "Answer in two friendly sentences.", "data": "input.question"},
        },
        {"id": "result", "kind": "output", "name": "Give the answer", "config": {"value": "{{ nodes.answer.text }}"}},
    ],
    "edges": [{"source": "start", "target": "answer"}, {"source": "answer", "target": "result"}],
}
"""What an empty canvas offers to begin with."""


async def editor(visit: Visit) -> Response:
    """The editor, with the last run beside it where one is named in the query."""
    found = await _workflow(visit)
    lists, schemas = await choices(visit, found.id)
    palette = await visit.call(workflows.node_kinds, Nothing())
    allowed = [kind for kind in palette.kinds if kind.scope is None or visit.may(kind.scope)]
    used = {node.kind for node in found.nodes}
    graph = found.model_dump(mode="json", include={"nodes", "edges", "version"})
    data = {
        **graph,
        "id": str(found.id),
        "kinds": [kind.model_dump(mode="json") for kind in palette.kinds if kind in allowed or kind.kind in used],
        "choices": lists,
        "tools": schemas,
        "mayEdit": visit.may("workflows"),
        "example": EXAMPLE,
    }
    run = await shown_run(visit, found.id, visit.query.get("run"))
    sample = await _sample(visit, found)
    return html(
        visit, "workflows/editor.html", workflow=found, data=orjson.dumps(data).decode(), sample=sample, run=run
    )


async def _workflow(visit: Visit) -> Workflow:
    return await visit.call(workflows.get, visit.command(workflows.WorkflowRef, {}, "workflow_id"))


async def _sample(visit: Visit, workflow: Workflow) -> dict[str, Any]:
    """What trying it out begins with: the trigger's example, what the last run got, or the template's example."""
    for node in workflow.nodes:
        if node.kind == "trigger" and node.config.get("sample"):
            sample: dict[str, Any] = node.config["sample"]
            return sample
    last = await visit.call(runs.list_, runs.ListRuns(workflow_id=workflow.id, limit=1))
    if last.items:
        return (await visit.call(runs.get, runs.RunRef(run_id=last.items[0].id))).input
    if workflow.template_id is None:
        return {}
    try:
        template = await visit.call(templates.get, templates.TemplateRef(template_id=workflow.template_id))
    except InterlockError:
        return {}  # a template that this server no longer has
    return dict(template.input_data)


async def check(visit: Visit) -> Response:
    """What is wrong with a graph that is not saved, and the branches of its nodes."""
    try:
        found = await visit.call(workflows.check_graph, visit.command(workflows.CheckGraph, await _graph(visit)))
    except InterlockError as error:
        return _refused(visit, error)
    return _json(found.model_dump(mode="json"))


async def save(visit: Visit) -> Response:
    """A new version, unless somebody else has saved one meanwhile."""
    form = await visit.form()
    try:
        values = {**await _graph(visit), "expected_version": form.get("expected_version") or None}
        command = visit.command(workflows.UpdateWorkflow, values, "workflow_id")
        saved = await visit.call(workflows.update, command)
    except InterlockError as error:
        return _refused(visit, error)
    return _json({"version": saved.version})


async def _graph(visit: Visit) -> dict[str, Any]:
    value = parse_json((await visit.form()).get("graph", "").encode(), max_depth=_MOST_DEEP)
    if not isinstance(value, dict):
        raise invalid("'graph' must be an object with 'nodes' and 'edges'.", field="graph")
    return {name: value.get(name, []) for name in ("nodes", "edges")}


def _refused(visit: Visit, error: InterlockError) -> Response:
    """An error for the script of the editor, in words and by node and field."""
    told = {"code": error.code, "message": error.message, "hint": error.hint, "field": error.data.get("field")}
    found = [problem for problem in error.data.get("problems", ()) if "message" in problem]
    if found:
        told["problems"] = found
    request_id = visit.request.scope["interlock.request_id"]
    return _json({**told, "request_id": request_id}, STATUS[error.kind])


def _json(value: Any, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


async def change(visit: Visit) -> Response:
    """Name, description and ceilings."""
    form = await visit.form()
    budget = {name: form.get(name) or None for name in ("per_run_cap", "daily_cap")}
    values = {"name": form.get("name", ""), "description": form.get("description", ""), "budget": budget}
    try:
        found = await visit.call(workflows.update, visit.command(workflows.UpdateWorkflow, values, "workflow_id"))
    except InterlockError as error:
        problems = problems_of(error)
        return html(
            visit,
            "workflows/settings.html",
            status=422,
            workflow=await _workflow(visit),
            problems=problems,
            values=form,
        )
    return go(visit, f"/workflows/{found.id}", said="Saved.")


async def settings(visit: Visit) -> Response:
    """Name, description, ceilings, and the way to delete it."""
    found = await _workflow(visit)
    values = {
        "name": found.name,
        "description": found.description,
        "per_run_cap": found.per_run_cap,
        "daily_cap": found.daily_cap,
    }
    return html(visit, "workflows/settings.html", workflow=found, problems=None, values=values)


async def publish(visit: Visit) -> Response:
    """Publish it, or take it back to draft."""
    status = (await visit.form()).get("status", "")
    found = await visit.call(
        workflows.update, visit.command(workflows.UpdateWorkflow, {"status": status}, "workflow_id")
    )
    is_published = found.status is WorkflowStatus.PUBLISHED
    words = "Published: hooks, forms, schedules and tables may start it now." if is_published else "A draft again."
    return go(visit, f"/workflows/{found.id}", said=words)


async def delete(visit: Visit) -> Response:
    """Remove it with its history."""
    found = await _workflow(visit)
    await visit.call(workflows.delete, workflows.WorkflowRef(workflow_id=found.id))
    return go(visit, "/workflows", said=f"“{found.name}” was deleted.")


async def versions(visit: Visit) -> Response:
    """The graphs it has had."""
    found = await _workflow(visit)
    query = {name: visit.query[name] for name in ("offset",) if name in visit.query}
    listed = await visit.call(
        workflows.versions, visit.command(workflows.ListVersions, {"limit": 25, **query}, "workflow_id")
    )
    return html(visit, "workflows/versions.html", workflow=found, found=listed)


async def restore(visit: Visit) -> Response:
    """An earlier graph as the newest version."""
    earlier = await visit.call(workflows.get_version, visit.command(workflows.VersionRef, {}, "workflow_id", "version"))
    command = workflows.UpdateWorkflow(workflow_id=earlier.workflow_id, nodes=earlier.nodes, edges=earlier.edges)
    saved = await visit.call(workflows.update, command)
    return go(visit, f"/workflows/{saved.id}", said=f"Version {earlier.version} is back, as version {saved.version}.")


ROUTES = (
    action("/workflows/check", check),
    page("/workflows/{workflow_id}", editor),
    action("/workflows/{workflow_id}/save", save),
    page("/workflows/{workflow_id}/settings", settings),
    action("/workflows/{workflow_id}/settings", change),
    action("/workflows/{workflow_id}/status", publish),
    action("/workflows/{workflow_id}/delete", delete),
    page("/workflows/{workflow_id}/versions", versions),
    action("/workflows/{workflow_id}/versions/{version}/restore", restore),
)
