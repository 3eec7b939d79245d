"""One run: its head, its steps in order, what it has started, and each step in full when it is opened."""

from typing import Any

from starlette.responses import Response

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import LIFECYCLE, RunKind, RunStatus, StepKind
from interlock.domains.runs.views import Run, StepRow
from interlock.faces.dashboard.areas.runs.values import shown
from interlock.faces.dashboard.render import html
from interlock.faces.dashboard.routing import page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.ids import RunId
from interlock.kit.paging import MAXIMUM_LIMIT

STEPS = 100
"""How many steps a page of the timeline shows."""


async def show(visit: Visit) -> Response:
    """The page."""
    return html(visit, "runs/show.html", **await _story(visit))


async def story(visit: Visit) -> Response:
    """What changes while the run goes on."""
    return html(visit, "runs/_story.html", **await _story(visit))


async def nested(visit: Visit) -> Response:
    """The steps of a run that another one has started, to be shown inside of it."""
    return html(visit, "runs/_nested.html", **await _story(visit))


async def step(visit: Visit) -> Response:
    """One step in full."""
    wanted = visit.command(runs.StepRef, {}, "run_id", "position")
    found = await visit.call(runs.step, wanted)
    call = found.call
    return html(
        visit,
        "runs/_step.html",
        step=found,
        output=shown(found.output),
        arguments=None if call is None else shown(call.arguments),
        result=None if call is None else shown(call.result),
    )


async def _story(visit: Visit) -> dict[str, Any]:
    return await story_of(visit, visit.command(runs.RunRef, {}, "run_id").run_id)


async def story_of(visit: Visit, run_id: RunId) -> dict[str, Any]:
    """What the pieces of a run show."""
    run = await visit.call(runs.summarise, runs.RunRef(run_id=run_id))
    is_over = LIFECYCLE.is_final(run.status)
    steps = await visit.call(runs.steps, await _page(visit, run, is_over=is_over))
    waiting = () if is_over else await _waiting(visit, run)
    by_step = {approval.subject: approval for approval in waiting}
    gates = {step.position: gate for step in steps.items if (gate := _gate_of(by_step, run, step)) is not None}
    placed = {gate.id for gate in gates.values()}
    return {
        "run": run,
        "is_over": is_over,
        "steps": steps,
        "gates": gates,
        "other_gates": tuple(approval for approval in waiting if approval.id not in placed),
        "family": await visit.call(runs.family, runs.RunRef(run_id=run.id)),
        "took": (run.completed_at or visit.ctx.now) - run.started_at,
        "asked": sum(step.latency_ms for step in steps.items if step.kind is StepKind.MODEL),
        "given": shown(run.input),
        "gave": shown(run.output),
        "from_node": run.kind is RunKind.WORKFLOW,
        "pages": f"/runs/{run.id}?",
        "here": f"/runs/{run.id}/story?offset={steps.offset}" if "offset" in visit.query else f"/runs/{run.id}/story",
    }


async def _page(visit: Visit, run: Run, *, is_over: bool) -> runs.ListOfRun:
    """The steps that were asked for; those of a run under way end with the newest."""
    offset = visit.query.get("offset")
    if offset is None and not is_over:
        total = (await visit.call(runs.steps, runs.ListOfRun(run_id=run.id, limit=1))).total or 0
        offset = str(max(total - STEPS, 0))
    return visit.command(runs.ListOfRun, {"run_id": run.id, "limit": STEPS, "offset": offset or "0"})


async def _waiting(visit: Visit, run: Run) -> tuple[Approval, ...]:
    if run.status not in {RunStatus.WAITING_APPROVAL, RunStatus.PAUSED, RunStatus.RUNNING}:
        return ()
    pending = approvals.ListApprovals(status=ApprovalStatus.PENDING, run_id=run.id, limit=MAXIMUM_LIMIT)
    return (await visit.call(approvals.list_, pending)).items


def _gate_of(waiting: dict[str, Approval], run: Run, step: StepRow) -> Approval | None:
    """The approval that a step waits for: a gate is known by its node, a call by its id."""
    return waiting.get(step.call_id or "") or waiting.get(f"{run.id}/{step.node_id}"[:200])


ROUTES = (
    page("/runs/{run_id}", show),
    page("/runs/{run_id}/story", story),
    page("/runs/{run_id}/nested", nested),
    page("/runs/{run_id}/steps/{position}", step),
)
