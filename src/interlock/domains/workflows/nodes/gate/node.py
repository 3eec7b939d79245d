"""A person decides whether and how a run goes on."""

from functools import partial

from interlock.domains.governance.approvals import service as approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalId, ApprovalKind
from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.service.progress import StepRecord
from interlock.domains.runs.states import StepKind, StepStatus
from interlock.domains.workflows.manifest import Outcome, RunStopped, Work
from interlock.domains.workflows.nodes.gate.manifest import Config
from interlock.domains.workflows.wakening import gate_topic
from interlock.runtime.context import Ctx
from interlock.runtime.durable import Json

TOOL = "workflow.gate"


async def run(work: Work, config: Config) -> Outcome:
    """Ask, wait, and go on by the answer."""
    reviewed = work.compute(config.review)
    message = work.text(config.message)
    opened: str = await work.transact(partial(_open, work, message, reviewed), "open")
    approval_id = ApprovalId.parse(opened)
    waiting = _record(work, StepStatus.WAITING_APPROVAL, Decision.ESCALATED, message, opened)
    position = await work.progress.hold(work.step_key("hold"), waiting)
    await work.flow.wait(gate_topic(approval_id))
    answer = Approval.model_validate(await work.transact(partial(_read, approval_id), "answer"))
    await work.progress.resume(work.step_key("resume"))
    if answer.status is ApprovalStatus.APPROVED:
        output = reviewed if answer.edited_output is None else answer.edited_output
        record = _record(work, StepStatus.COMPLETED, Decision.AUTHORIZED, answer.comment, opened)
        return Outcome(output, "approved", record, position, "node.approved")
    reason = answer.comment or answer.reason_code or f"The gate is {answer.status.value}."
    record = _record(work, StepStatus.DENIED, Decision.DENIED, reason, opened)
    if "rejected" not in work.branches:
        raise RunStopped(f"Node '{work.key}': {reason}", record=record, position=position)
    told = {"rejected": True, "reason": answer.reason_code, "comment": answer.comment, "reviewed": reviewed}
    return Outcome(told, "rejected", record, position, "node.rejected")


async def _open(work: Work, message: str, reviewed: Json, ctx: Ctx) -> Json:
    acting = work.run.within(ctx)
    gate = approvals.OpenGate(
        kind=ApprovalKind.WORKFLOW_GATE,
        tool=TOOL,
        reason=message,
        subject=f"{work.run.run_id}/{work.key}"[:200],
        run_id=work.run.run_id,
        arguments_masked={"review": reviewed},
    )
    return str((await approvals.open_gate(acting, gate)).id)


async def _read(approval_id: ApprovalId, ctx: Ctx) -> Json:
    return (await approvals.get(ctx, approvals.ApprovalRef(approval_id=approval_id))).model_dump(mode="json")


def _record(work: Work, status: StepStatus, decision: Decision, reason: str | None, approval: str) -> StepRecord:
    return StepRecord(
        kind=StepKind.NODE,
        node_id=work.key,
        name=work.node.name or work.node.kind,
        status=status,
        decision=decision,
        reason=reason,
        detail={"approval_id": approval},
    )
