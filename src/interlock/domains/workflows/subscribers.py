"""What workflows do when other domains have news."""

from interlock.domains.governance.approvals.events import ApprovalDecided
from interlock.domains.governance.approvals.views import ApprovalKind
from interlock.domains.workflows.wakening import gate_topic
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx


async def wake_gate(ctx: Ctx, event: ApprovalDecided) -> None:
    """A person has decided about a gate: let the run that waits for it go on."""
    if event.kind is not ApprovalKind.WORKFLOW_GATE or event.run_id is None:
        return
    async with ctx.begin() as waking:
        flow_id = str(RunId.of(event.run_id))
        await ctx.runtime.durable.signal(waking, flow_id, gate_topic(event.approval_id), {"status": event.status.value})
