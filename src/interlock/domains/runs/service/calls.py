"""One tool call of a run through the pipeline: made under an idempotency key, waiting for a person where it must."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from interlock.domains.governance.policies.views import Decision
from interlock.domains.runs.service.progress import Progress, StepRecord
from interlock.domains.runs.states import StepKind, StepStatus
from interlock.domains.tools import service as tools
from interlock.domains.tools.states import CallState, ToolStatus
from interlock.domains.tools.views import ToolOutcome
from interlock.kit.errors import InterlockError
from interlock.runtime.context import Ctx
from interlock.runtime.database import is_database_trouble
from interlock.runtime.durable import Json
from interlock.runtime.invoke import invoke

_SETTLED = {
    CallState.DONE: ToolStatus.DONE,
    CallState.FAILED: ToolStatus.FAILED,
    CallState.DENIED: ToolStatus.DENIED,
}
_STEP_STATUS = {
    ToolStatus.DONE: StepStatus.COMPLETED,
    ToolStatus.FAILED: StepStatus.FAILED,
    ToolStatus.DENIED: StepStatus.DENIED,
    ToolStatus.ACTION_REQUIRED: StepStatus.WAITING_APPROVAL,
}
_DECISION = {
    ToolStatus.DONE: Decision.AUTHORIZED,
    ToolStatus.FAILED: Decision.AUTHORIZED,
    ToolStatus.DENIED: Decision.DENIED,
    ToolStatus.ACTION_REQUIRED: Decision.ESCALATED,
}


@dataclass(frozen=True, slots=True)
class Made:
    """A tool call that has come to its end.

    Args:
        outcome: None when the pipeline would not take the call at all: unknown tool, unfit arguments.
        position: the place among the steps that was kept while a person was asked.
    """

    record: StepRecord
    outcome: ToolOutcome | None
    position: int | None = None

    @property
    def event(self) -> str:
        """The name of the event that tells of it."""
        status = ToolStatus.FAILED if self.outcome is None else self.outcome.status
        return "tool.finished" if status is ToolStatus.DONE else f"tool.{status.value}"


async def carry_out(
    progress: Progress,
    key: str,
    acting: Callable[[Ctx], Ctx],
    command: tools.CallTool,
    *,
    node_id: str | None = None,
) -> Made:
    """Make a tool call; a held one waits here until a person has decided.

    Args:
        key: of the durable steps; unique within the run and the same on every replay.
        acting: the flow's context as the caller of the tool.
    """
    recorded = await progress.flow.step(key, partial(_call, acting, command))
    if "outcome" not in recorded:
        return Made(refused(command.tool, recorded["error"], node_id), None)
    outcome = ToolOutcome.model_validate(recorded["outcome"])
    position = None
    if outcome.status is ToolStatus.ACTION_REQUIRED:
        position = await progress.hold(f"{key}:held", _record(command.tool, outcome, node_id))
        await progress.flow.wait(f"call:{outcome.call_id}")
        settled = await progress.flow.step(f"{key}:settled", partial(_settled, acting, outcome))
        outcome = ToolOutcome.model_validate(settled)
        await progress.resume(f"{key}:resumed")
    return Made(_record(command.tool, outcome, node_id), outcome, position)


def refused(tool: str, reason: str, node_id: str | None = None) -> StepRecord:
    """A call that did not get as far as a verdict."""
    return StepRecord(kind=StepKind.TOOL, name=tool[:200], status=StepStatus.FAILED, reason=reason, node_id=node_id)


async def _call(acting: Callable[[Ctx], Ctx], command: tools.CallTool, ctx: Ctx) -> Json:
    try:
        outcome = await invoke(acting(ctx), tools.call, command)
    except InterlockError as error:
        if is_database_trouble(error):
            raise  # it passes, and the run with it: the flow enters again
        return {"error": error.message}
    return {"outcome": outcome.model_dump(mode="json")}


async def _settled(acting: Callable[[Ctx], Ctx], outcome: ToolOutcome, ctx: Ctx) -> Json:
    call = await invoke(acting(ctx), tools.get_call, tools.CallRef(call_id=outcome.call_id))
    settled = outcome.model_copy(
        update={
            "status": _SETTLED[call.state],
            "result": call.result,
            "reason": call.reason,
            "policy_id": call.policy_id,
            "cost": call.cost,
            "latency_ms": call.latency_ms,
        }
    )
    return settled.model_dump(mode="json")


def _record(name: str, outcome: ToolOutcome, node_id: str | None) -> StepRecord:
    return StepRecord(
        kind=StepKind.TOOL,
        node_id=node_id,
        name=name,
        status=_STEP_STATUS[outcome.status],
        decision=_DECISION[outcome.status],
        reason=outcome.reason,
        call_id=str(outcome.call_id),
        cost=outcome.cost,
        latency_ms=outcome.latency_ms or 0,
        detail={"escalation_id": outcome.escalation_id} if outcome.escalation_id else {},
    )
