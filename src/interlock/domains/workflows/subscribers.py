"""What workflows do when other domains have news."""

from dataclasses import replace

import structlog

from interlock.domains.governance.approvals.events import ApprovalDecided
from interlock.domains.governance.approvals.views import ApprovalKind
from interlock.domains.org import service as org
from interlock.domains.runs import service as runs
from interlock.domains.runs.states import Trigger
from interlock.domains.tables.events import TableTriggerFired
from interlock.domains.workflows.launching import Launch, launch
from interlock.domains.workflows.wakening import gate_topic
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import RunId
from interlock.runtime.context import Actor, ActorKind, Ctx
from interlock.runtime.database import is_database_trouble

log = structlog.get_logger(__name__)

_REFUSALS = frozenset({Kind.NOT_FOUND, Kind.CONFLICT, Kind.BUDGET_EXCEEDED, Kind.FORBIDDEN})


async def wake_gate(ctx: Ctx, event: ApprovalDecided) -> None:
    """A person has decided about a gate: let the run that waits for it go on."""
    if event.kind is not ApprovalKind.WORKFLOW_GATE or event.run_id is None:
        return
    async with ctx.begin() as waking:
        flow_id = str(RunId.of(event.run_id))
        await ctx.runtime.durable.signal(waking, flow_id, gate_topic(event.approval_id), {"status": event.status.value})


async def start_for_row(ctx: Ctx, event: TableTriggerFired) -> None:
    """Start the workflow that a table's trigger names, once however often the news comes; what may not start is told.

    A workflow that is no longer published, or has no funds left, does not start: the row is kept in any case.
    """
    try:
        async with ctx.begin() as unit:
            await (await unit.session()).lock(f"run {event.run_id}")  # told twice at once, it starts once
            if await runs.exists(unit, event.run_id):
                return
            facts = await org.facts(unit, ctx.workspace_id)
            actor = Actor(ActorKind.SYSTEM, event.trigger_id, "table trigger", None)
            own = replace(unit, actor=actor, workspace_version=facts.rules_version, has_ai_access=facts.has_ai_access)
            await launch(own, _launch_of(event))
    except InterlockError as error:
        if is_database_trouble(error) or error.kind not in _REFUSALS:
            raise
        log.warning(
            "a table's trigger could not start its workflow",
            trigger=str(event.trigger_id),
            workflow=str(event.workflow_id),
            reason=error.message,
        )


def _launch_of(event: TableTriggerFired) -> Launch:
    given = {
        "row": event.data,
        "row_id": str(event.row_id),
        "table_id": str(event.table_id),
        "event": event.event.value,
    }
    return Launch(
        event.workflow_id,
        given,
        Trigger.TABLE,
        str(event.trigger_id),
        depth=event.depth,
        run_id=event.run_id,
    )
