"""Runs of a workflow beside its graph: start, watch node by node, look at what a node gave, decide at a gate."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import LIFECYCLE
from interlock.domains.workflows import service as workflows
from interlock.domains.workflows.views import Workflow
from interlock.domains.workflows.watching import service as watching
from interlock.domains.workflows.watching.states import NodeState
from interlock.domains.workflows.watching.views import NodeProgress
from interlock.faces.dashboard import words
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError, Kind, invalid
from interlock.kit.ids import RunId, WorkflowId
from interlock.kit.json_text import parse_json

_MOST_DEEP = 64
_SAID = {
    NodeState.WAITING: "not yet",
    NodeState.RUNNING: "running",
    NodeState.HELD: "waits for a person",
    NodeState.FAILED: "failed",
    NodeState.SKIPPED: "not taken",
    NodeState.STOPPED: "stopped",
}


def node_words(node: NodeProgress) -> str:
    """How a node stands, in a few words."""
    if node.state is not NodeState.DONE:
        return _SAID[node.state]
    if node.turns > 1:
        return f"done {node.turns} times"
    return f"done in {words.duration(timedelta(milliseconds=node.duration_ms))}" if node.duration_ms else "done"


async def shown_run(visit: Visit, workflow_id: WorkflowId, run: str | None) -> dict[str, Any] | None:
    """What the part about a run shows; None where there is none to show."""
    if run is None:
        return None
    command = visit.command(workflows.WorkflowRunRef, {"workflow_id": workflow_id, "run_id": run})
    try:
        return await _shown(visit, command)
    except InterlockError as error:
        if error.kind is Kind.NOT_FOUND:
            return None  # the run is gone; the workflow is still worth a look
        raise


async def _shown(visit: Visit, command: workflows.WorkflowRunRef) -> dict[str, Any]:
    found = await visit.call(watching.progress_of, command)
    workflow = await visit.call(workflows.get, workflows.WorkflowRef(workflow_id=command.workflow_id))
    return {
        "progress": found,
        "names": _names(workflow),
        "said": {node.node: node_words(node) for node in found.nodes},
        "has_ended": LIFECYCLE.is_final(found.status),
    }


def _names(workflow: Workflow) -> Mapping[str, str]:
    return {node.id: node.name or node.id for node in workflow.nodes}


async def start(visit: Visit) -> Response:
    """A run by hand."""
    raw = (await visit.form()).get("input_data", "").strip() or "{}"
    value = parse_json(raw.encode(), max_depth=_MOST_DEEP)
    if not isinstance(value, dict):
        raise invalid('What a run is started with must be an object, such as {"question": "..."}.', field="input_data")
    run = await visit.call(workflows.run, visit.command(workflows.RunWorkflow, {"input_data": value}, "workflow_id"))
    if not visit.is_htmx:
        return go(visit, f"/workflows/{run.workflow_id}?run={run.id}")
    command = visit.command(workflows.WorkflowRunRef, {"run_id": run.id}, "workflow_id")
    return html(visit, "workflows/_progress.html", run=await _shown(visit, command))


async def progress(visit: Visit) -> Response:
    """How each node stands now."""
    return await _progress(visit, visit.command(workflows.WorkflowRunRef, {}, "workflow_id", "run_id"))


async def _progress(visit: Visit, command: workflows.WorkflowRunRef) -> Response:
    return html(visit, "workflows/_progress.html", run=await _shown(visit, command))


async def node(visit: Visit) -> Response:
    """What a node of a run gave."""
    command = visit.command(watching.NodeRef, {}, "workflow_id", "run_id", "node")
    steps = await visit.call(watching.node_steps, command)
    return html(visit, "workflows/_turns.html", steps=steps, node=command.node, run_id=command.run_id)


async def decide(visit: Visit) -> Response:
    """Agree to what a node waits for, or refuse it."""
    form = await visit.form()
    values = {"approval_id": form.get("approval_id", ""), "comment": form.get("comment") or None}
    if form.get("verdict") == "approve":
        await visit.call(approvals.approve, visit.command(approvals.Approve, values))
    elif form.get("verdict") == "reject":
        await visit.call(approvals.reject, visit.command(approvals.Reject, values))
    else:
        raise invalid("'verdict' must be approve or reject.", field="verdict")
    return await _after(visit)


async def cancel(visit: Visit) -> Response:
    """Stop the run."""
    command = visit.command(runs.RunRef, {"run_id": _run_of(visit)})
    await visit.call(runs.cancel, command)
    return await _after(visit)


def _run_of(visit: Visit) -> RunId:
    return visit.command(workflows.WorkflowRunRef, {}, "workflow_id", "run_id").run_id


async def _after(visit: Visit) -> Response:
    if visit.is_htmx:
        return await progress(visit)
    return go(visit, f"/workflows/{visit.path('workflow_id')}?run={visit.path('run_id')}")


ROUTES = (
    action("/workflows/{workflow_id}/run", start),
    page("/workflows/{workflow_id}/runs/{run_id}", progress),
    page("/workflows/{workflow_id}/runs/{run_id}/nodes/{node}", node),
    action("/workflows/{workflow_id}/runs/{run_id}/decide", decide),
    action("/workflows/{workflow_id}/runs/{run_id}/cancel", cancel),
)
