"""What a person does about a run: stop, rest, go on, repeat from a step, and decide what it waits for."""

from starlette.responses import Response

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.runs import service as runs
from interlock.domains.workflows import service as workflows
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action
from interlock.faces.dashboard.visits import Visit


async def cancel(visit: Visit) -> Response:
    """Stop it for good."""
    run = await visit.call(runs.cancel, visit.command(runs.RunRef, {}, "run_id"))
    return go(visit, f"/runs/{run.id}", said="Cancelled. What it had done stays done.")


async def pause(visit: Visit) -> Response:
    """Hold it before its next step."""
    run = await visit.call(runs.pause, visit.command(runs.RunRef, {}, "run_id"))
    return go(visit, f"/runs/{run.id}", said="Paused: the step under way is finished, then it rests.")


async def resume(visit: Visit) -> Response:
    """Let it go on."""
    run = await visit.call(runs.resume, visit.command(runs.RunRef, {}, "run_id"))
    return go(visit, f"/runs/{run.id}", said="The run goes on.")


async def again(visit: Visit) -> Response:
    """Repeat it, from a step or a node on."""
    form = await visit.form()
    if form.get("kind") == "workflow":
        wanted = {"from_node": form["from_node"]} if form.get("from_node") else {}
        run = await visit.call(workflows.run_again, visit.command(workflows.RunAgain, wanted, "run_id"))
    else:
        wanted = {name: form[name] for name in ("from_step", "agent_version") if form.get(name)}
        run = await visit.call(runs.run_again, visit.command(runs.RunAgain, wanted, "run_id"))
    return go(visit, f"/runs/{run.id}", said="This is the new run. What stands before that step was taken over.")


async def approve(visit: Visit) -> Response:
    """Agree to what it waits for."""
    comment = (await visit.form()).get("comment", "").strip()
    values = {"comment": comment} if comment else {}
    await visit.call(approvals.approve, visit.command(approvals.Approve, values, "approval_id"))
    return go(visit, f"/runs/{visit.path('run_id')}", said="Approved: it is carried out now.")


async def reject(visit: Visit) -> Response:
    """Refuse what it waits for."""
    comment = (await visit.form()).get("comment", "").strip()
    values = {"comment": comment} if comment else {}
    await visit.call(approvals.reject, visit.command(approvals.Reject, values, "approval_id"))
    return go(visit, f"/runs/{visit.path('run_id')}", said="Rejected: it will not happen.")


ROUTES = (
    action("/runs/{run_id}/cancel", cancel),
    action("/runs/{run_id}/pause", pause),
    action("/runs/{run_id}/resume", resume),
    action("/runs/{run_id}/again", again),
    action("/runs/{run_id}/approvals/{approval_id}/approve", approve),
    action("/runs/{run_id}/approvals/{approval_id}/reject", reject),
)
