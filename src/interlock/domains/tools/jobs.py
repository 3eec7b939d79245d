"""Work of the tools domain that nobody waits for."""

from dataclasses import replace

from interlock.domains.governance.approvals.views import ApprovalId
from interlock.domains.governance.ledger import service as ledger
from interlock.domains.tools import evidence, repository
from interlock.domains.tools.execution import INTERRUPTED, release_gate, settled_values
from interlock.domains.tools.pipeline import running_of
from interlock.domains.tools.repository import ToolCalls
from interlock.domains.tools.states import CallState, ToolStatus
from interlock.domains.tools.views import ToolOutcome
from interlock.runtime.context import Ctx


async def close_abandoned(root: Ctx) -> int:
    """Put calls on record that a stopped server left unfinished and that nobody tries again; tells how many.

    Args:
        root: of no workspace and without a unit of work; part of a start, and worth repeating now and then.
    """
    async with root.begin(write=False) as looking:
        rows = await repository.abandoned(looking)
    running, closed = running_of(root).calls, 0
    for row in rows:
        if row.guid in running:
            continue
        outcome = ToolOutcome(call_id=row.guid, tool=row.tool, status=ToolStatus.FAILED, reason=INTERRUPTED)
        async with replace(root, workspace_id=row.workspace_id).begin() as unit:
            await ledger.hold(unit)  # before the row, as everybody who changes both: the other order could deadlock
            values = settled_values(outcome, row.edited_hash)
            if await ToolCalls(unit).settle(row.guid, CallState.EXECUTING, CallState.FAILED, values):
                await evidence.record_interrupted(unit, row, INTERRUPTED)
                if row.escalation_id is not None:
                    await release_gate(unit, ApprovalId.parse(row.escalation_id), outcome, row.run_id)
                closed += 1
    return closed
