"""From a run's steps and events to how each of its nodes stands. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.domains.runs.states import StepStatus
from interlock.domains.runs.views import NodeStep
from interlock.domains.workflows.watching.states import NodeState
from interlock.domains.workflows.watching.views import NodeProgress
from interlock.kit.ids import RunId
from interlock.kit.money import ZERO
from interlock.runtime.events import StreamEvent

_OF_STEP = {
    StepStatus.COMPLETED: NodeState.DONE,
    StepStatus.WAITING_APPROVAL: NodeState.HELD,
    StepStatus.DENIED: NodeState.FAILED,
    StepStatus.FAILED: NodeState.FAILED,
}
_TRY = ":try"


@dataclass(slots=True)
class _Seen:
    """What is known of a node: when each of its turns began, its steps, and what it waits for."""

    began: dict[str, datetime] = field(default_factory=dict)
    steps: list[NodeStep] = field(default_factory=list)
    approval_id: str | None = None
    child_run_id: str | None = None


def node_of(key: str) -> str:
    """The node behind a key of a run: without the turns of loops, and without the attempts at it."""
    return key.rsplit("/", 1)[-1].split(":", 1)[0]


def progress(
    nodes: Sequence[str], steps: Iterable[NodeStep], events: Iterable[StreamEvent], *, has_ended: bool
) -> tuple[NodeProgress, ...]:
    """How each node stands."""
    seen = {node: _Seen() for node in nodes}
    for event in events:
        _hear(seen, event)
    for step in steps:
        if step.node_id is not None and node_of(step.node_id) in seen:
            seen[node_of(step.node_id)].steps.append(step)
    return tuple(_progress(node, found, has_ended=has_ended) for node, found in seen.items())


def _hear(seen: dict[str, _Seen], event: StreamEvent) -> None:
    key = event.data.get("node_id")
    found = seen.get(node_of(key)) if isinstance(key, str) else None
    if found is None:
        return
    data: dict[str, Any] = event.data
    if event.type == "node.started":
        found.began[str(key)] = event.at
    elif event.type.endswith(".held"):
        found.approval_id = data.get("approval_id") or data.get("escalation_id")
    elif event.type == "node.child_started":
        found.child_run_id = data.get("run_id")


def _progress(node: str, found: _Seen, *, has_ended: bool) -> NodeProgress:
    final = [step for step in found.steps if _TRY not in (step.node_id or "")]
    last = final[-1] if final else None
    state = _state(found, final, has_ended=has_ended)
    child = found.child_run_id if last is None or last.child_run_id is None else str(last.child_run_id)
    return NodeProgress(
        node=node,
        state=state,
        turns=sum(step.status is not StepStatus.WAITING_APPROVAL for step in final),
        cost=sum((step.cost for step in found.steps if step.cost is not None), ZERO),
        unknown_costs=sum(step.cost is None for step in found.steps),
        duration_ms=None if last is None else _duration(found, last),
        branch=None if last is None else last.branch,
        reason=None if last is None else last.reason,
        approval_id=found.approval_id if state is NodeState.HELD else None,
        child_run_id=None if child is None else RunId.parse(child),
    )


def _state(found: _Seen, final: Sequence[NodeStep], *, has_ended: bool) -> NodeState:
    held = any(step.status is StepStatus.WAITING_APPROVAL for step in final)
    if held:
        return NodeState.STOPPED if has_ended else NodeState.HELD
    if found.began.keys() - {step.node_id for step in final}:
        return NodeState.STOPPED if has_ended else NodeState.RUNNING
    if final:
        return _OF_STEP[final[-1].status]
    return NodeState.SKIPPED if has_ended else NodeState.WAITING


def _duration(found: _Seen, last: NodeStep) -> int:
    began = found.began.get(last.node_id or "")
    waited = 0 if began is None else round((last.at - began).total_seconds() * 1000)
    return max(last.latency_ms, waited)
