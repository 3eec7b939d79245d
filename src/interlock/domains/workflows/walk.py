"""The walk through a workflow as a durable function: nodes in order of their edges, branches at the same time.

A node runs when all edges that lead to it are decided and one of them was taken; it is passed by when none was. Pure
nodes are computed again after a crash; what others did is in the journal. Steps of finished nodes are written together
with the next thing the run writes anyway, so that a pure node costs no transaction of its own.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.runs import service as runs
from interlock.domains.runs.service.gates import CANCELLED, FAILED, withdraw_gates
from interlock.domains.runs.service.progress import Entry, Progress, StepRecord
from interlock.domains.runs.states import RunStatus, StepKind, StepStatus
from interlock.domains.workflows.branches import Branches
from interlock.domains.workflows.graph import ITEM_BRANCH, OUTPUT, Plan, PlannedNode
from interlock.domains.workflows.manifest import Children, NodeFailed, Outcome, RunStopped, Work
from interlock.domains.workflows.order import WorkflowOrder
from interlock.domains.workflows.palette import runner
from interlock.domains.workflows.plans import plan_of
from interlock.domains.workflows.states import OnError
from interlock.domains.workflows.views import ERROR_BRANCH, Edge
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.expressions import ExpressionError
from interlock.runtime.context import Ctx
from interlock.runtime.database import is_database_trouble
from interlock.runtime.durable import Flow, FlowCancelled, Json

MOST_TURNS = 100_000
"""How many nodes a run goes through, those in loops counted for every item."""
_WRITE_EVERY = 100
_LONGEST_HOLD = 0.01
_LONGEST_KEY = 150
_LONGEST_REASON = 2_000


async def walk_workflow(flow: Flow, argument: Json) -> Json:
    """Run a workflow until its last node is done, somebody stops it, or a node ends it."""
    order = WorkflowOrder.model_validate(argument)
    walk = await _begun(flow, order)
    try:
        outcomes = await walk.region(None, walk.root, order.input)
    except FlowCancelled:
        # Whoever cancelled the run closed its gates; a node that was on its way may have opened another since.
        await flow.transact("cancelled", walk.close)
        raise
    except RunStopped as stop:
        ending = RunStatus.BUDGET_EXCEEDED if stop.budget else RunStatus.REJECTED
        return await walk.end(ending, error=stop.message)
    except _RunTooLong as error:
        return await walk.end(RunStatus.FAILED, error=str(error))
    except _NodeFailure as failure:
        return await walk.end(RunStatus.FAILED, error=f"Node '{failure.key}': {failure.message}")
    return await walk.end(RunStatus.COMPLETED, output=walk.result(outcomes))


async def workflow_failed(flow: Flow, argument: Json) -> Json:
    """Record that a run's function raised: a defect, not a refusal."""
    order = WorkflowOrder.model_validate(argument["input"])
    await flow.transact("withdraw", partial(_withdraw, order))
    return await Progress(flow, order.run_id).end(RunStatus.FAILED, error=str(argument["error"])[:_LONGEST_REASON])


async def _withdraw(order: WorkflowOrder, ctx: Ctx) -> Json:
    return await withdraw_gates(ctx, order.run_id, FAILED)


async def _begun(flow: Flow, order: WorkflowOrder) -> "Walk":
    async with flow.ctx.begin(write=False) as reading:
        plan = await plan_of(reading, order.workflow_id, order.version)
        earlier: Mapping[str, Outcome] = {}
        if order.retry_of is not None and order.from_node is not None:
            again = plan.downstream(order.from_node)
            found = await runs.node_outputs(reading, order.retry_of)
            kept = [key for key in plan.regions[None] if key in found and key not in again]
            earlier = {key: Outcome(found[key].output, found[key].branch) for key in kept}
    return Walk(flow, order, plan, earlier)


class _NodeFailure(Exception):  # noqa: N818 - control flow of this file
    """A node failed, and nothing in the graph deals with it."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message


class _RunTooLong(Exception):  # noqa: N818 - as above
    """Loops in loops make more of a run than a server can keep; nothing in the graph deals with that."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where in the run a region is walked: the loops around it, and what its expressions see beside its own nodes."""

    prefix: str
    scope: Mapping[str, Any]
    outputs: dict[str, Json]


@dataclass(slots=True)
class _Region:
    """How far the walk through a region is."""

    waiting: dict[str, int]
    live: dict[str, list[str]]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    ready: deque[str] = field(default_factory=deque)


class Walk:
    """One pass through a workflow."""

    def __init__(self, flow: Flow, order: WorkflowOrder, plan: Plan, earlier: Mapping[str, Outcome]) -> None:
        self._flow = flow
        self._order = order
        self._plan = plan
        self._earlier = earlier
        self._facts = order.facts()
        self._branches = Branches(flow)
        self._progress = Progress(self._branches, order.run_id)
        self._pending: dict[str, Entry] = {}
        self._written: set[str] = set()
        self._beginning = asyncio.Lock()
        self._turns = 0
        self._children = Children()
        self._held_since = time.monotonic()
        moment = order.started_at.isoformat()
        scope = {
            "trigger": order.input,
            "run": {"id": str(order.run_id), "started_at": moment},
            "workflow": {"id": str(order.workflow_id), "name": order.workflow_name},
            "now": moment,
        }
        self.root = Frame("", scope, {})

    async def region(self, name: str | None, frame: Frame, data: Json) -> dict[str, Outcome]:
        """Walk the nodes of a region once.

        Args:
            name: the loop whose body it is; None for the workflow itself.
            data: what the first nodes read.
        """
        keys = self._plan.regions.get(name, ())
        nodes = self._plan.nodes
        state = _Region(
            waiting={key: sum(edge.source != name for edge in nodes[key].incoming) for key in keys},
            live={key: [] for key in keys},
            ready=deque(self._plan.entries.get(name, ())),
        )
        under_way: dict[asyncio.Task[Outcome], str] = {}
        try:
            while state.ready or under_way:
                while state.ready:
                    key = state.ready.popleft()
                    node = nodes[key]
                    given = self._given(state, key, data)
                    if node.is_pure or (not state.ready and not under_way):
                        self._settle(state, frame, key, await self._node(node, frame, given))
                    else:
                        under_way[asyncio.create_task(self._node(node, frame, given))] = key
                if under_way:
                    done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in sorted(done, key=lambda finished: under_way[finished]):
                        self._settle(state, frame, under_way.pop(task), task.result())
        finally:
            await self._branches.call_off(under_way)
        return state.outcomes

    def result(self, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
        """What the run gives: its output nodes' values, or without such nodes those of the last ones."""
        value = self._product(None, outcomes)
        return value if isinstance(value, dict) else {"value": value}

    async def end(self, status: RunStatus, *, output: dict[str, Any] | None = None, error: str | None = None) -> Json:
        """Close the run, with the steps that were not written yet."""
        entries = list(self._pending.values())
        if status is not RunStatus.COMPLETED:
            await self._flow.transact("stopped", self._stop_the_rest)
        return await self._progress.end(status, output=output, error=error, entries=entries)

    async def close(self, ctx: Ctx) -> Json:
        """Leave nothing open behind a run that was cancelled."""
        await self._progress.write(ctx, list(self._pending.values()))
        return await withdraw_gates(ctx, self._order.run_id, CANCELLED)

    async def _stop_the_rest(self, ctx: Ctx) -> Json:
        """Nothing goes on for a run that has failed: neither its gates nor the runs its other branches have started."""
        await runs.cancel_children(ctx, self._order.run_id)
        return await withdraw_gates(ctx, self._order.run_id, FAILED)

    def _product(self, region: str | None, outcomes: Mapping[str, Outcome]) -> Json:
        nodes = self._plan.nodes
        finished = [key for key in self._plan.regions.get(region, ()) if key in outcomes]
        chosen = [key for key in finished if nodes[key].node.kind == OUTPUT]
        if not chosen:
            chosen = [key for key in finished if not any(edge.target in outcomes for edge in nodes[key].outgoing)]
        if len(chosen) == 1:
            return outcomes[chosen[0]].output
        return {key: outcomes[key].output for key in chosen} if chosen else self._order.input

    def _given(self, state: _Region, key: str, data: Json) -> Json:
        """What a node reads: the output of the node before it, or of several by their ids."""
        sources = state.live[key]
        if not sources:
            return data
        if len(sources) == 1:
            return state.outcomes[sources[0]].output
        return {source: state.outcomes[source].output for source in sources}

    def _settle(self, state: _Region, frame: Frame, key: str, outcome: Outcome) -> None:
        """Note a finished node and decide the edges behind it, and behind those nothing leads to any more."""
        state.outcomes[key] = outcome
        frame.outputs[key] = outcome.output
        decided = deque((edge, _is_taken(edge, outcome)) for edge in self._onward(key))
        while decided:
            edge, is_taken = decided.popleft()
            state.waiting[edge.target] -= 1
            if is_taken and edge.source not in state.live[edge.target]:
                state.live[edge.target].append(edge.source)
            if state.waiting[edge.target] == 0:
                if state.live[edge.target]:
                    state.ready.append(edge.target)
                else:
                    decided.extend((behind, False) for behind in self._onward(edge.target))

    def _onward(self, key: str) -> list[Edge]:
        """The edges that stay in the region: those into the body of a loop are the loop's own."""
        node = self._plan.nodes[key]
        return [edge for edge in node.outgoing if self._plan.nodes[edge.target].loop == node.loop]

    async def _node(self, node: PlannedNode, frame: Frame, data: Json) -> Outcome:
        """One node: run, tried again where it may be, put on record."""
        key = _key(frame.prefix, node.node.id)
        await self._count_turn()
        if not frame.prefix and node.node.id in self._earlier:
            return self._reused(key, node, self._earlier[node.node.id])
        attempt = 0
        while True:
            try:
                if not node.is_pure and not attempt:
                    await self._begin(key, node)
                outcome = await self._attempt(key, node, frame, data, attempt)
            except NodeFailed as failure:
                if failure.may_retry and attempt < node.node.retries and not node.is_pure:
                    if failure.record is not None:  # what was paid for in vain was paid for
                        tried = {"status": StepStatus.FAILED, "reason": failure.message[:_LONGEST_REASON]}
                        record = failure.record.model_copy(update=tried)
                        self._record(f"{key}:try{attempt}", record, "node.retried", position=failure.position)
                    pause = timedelta(seconds=min(2**attempt, 300))
                    await self._branches.sleep_until(f"{key}:retry{attempt}", self._branches.ctx.now + pause)
                    attempt += 1
                    continue
                return self._failed(key, node, failure)
            except RunStopped as stop:
                if stop.record is not None:
                    self._record(key, stop.record, "node.stopped", position=stop.position)
                raise
            except InterlockError as error:
                if is_database_trouble(error):
                    raise  # it passes, and the run with it: the flow enters again
                if error.kind is Kind.BUDGET_EXCEEDED:
                    raise RunStopped(error.message, budget=True) from error
                return self._failed(key, node, NodeFailed(error.message))
            self._record(key, outcome.record or _plain_record(node), outcome.event, outcome)
            return outcome

    async def _count_turn(self) -> None:
        """Keep the run within bounds, and let others have the event loop: pure nodes never wait for anything."""
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise _RunTooLong(f"A run goes through at most {MOST_TURNS} nodes; let its loops go through less.")
        if time.monotonic() - self._held_since > _LONGEST_HOLD:
            await asyncio.sleep(0)
            self._held_since = time.monotonic()

    async def _attempt(self, key: str, node: PlannedNode, frame: Frame, data: Json, attempt: int) -> Outcome:
        work = Work(
            key=key,
            node=node.node,
            data=data,
            scope={**frame.scope, "nodes": frame.outputs, "input": data},
            run=self._facts,
            progress=self._progress,
            branches=frozenset(edge.branch for edge in node.outgoing if edge.branch is not None),
            walk_body=partial(self._body, key, node.node.id, frame),
            attempt=attempt,
            children=self._children,
        )
        try:
            return await (await runner(node.node.kind))(work, node.config)
        except ExpressionError as error:
            raise NodeFailed(str(error), may_retry=False) from error

    async def _body(self, key: str, loop: str, frame: Frame, index: int, item: Json) -> Json:
        """Walk the body of a loop for an item."""
        if index and index % _WRITE_EVERY == 0:  # not all of a long loop in one transaction
            await self._progress.pause_point()
            await self._write_down(_key(f"{key}/", f"{index}:write"), None)
        inner = Frame(f"{key}/{index}/", {**frame.scope, "item": item, "index": index}, dict(frame.outputs))
        try:
            return self._product(loop, await self.region(loop, inner, item))
        except _NodeFailure as failure:
            raise NodeFailed(f"'{failure.key}': {failure.message}", may_retry=False) from failure

    def _reused(self, key: str, node: PlannedNode, outcome: Outcome) -> Outcome:
        record = _plain_record(node).model_copy(update={"reason": f"as in {self._order.retry_of}"})
        self._record(key, record, "node.reused", outcome)
        return outcome

    def _failed(self, key: str, node: PlannedNode, failure: NodeFailed) -> Outcome:
        """A node that failed for good: its error goes down the error branch, on to the next node, or ends the run."""
        message = failure.message[:_LONGEST_REASON]
        record = failure.record or _plain_record(node)
        told = Outcome({"error": message, "node": node.node.id}, ERROR_BRANCH, position=failure.position)
        self._record(
            key, record.model_copy(update={"status": StepStatus.FAILED, "reason": message}), "node.failed", told
        )
        if any(edge.branch == ERROR_BRANCH for edge in node.outgoing):
            return told
        if node.node.on_error is OnError.CONTINUE:
            return Outcome(told.output)
        raise _NodeFailure(key, message)

    def _record(
        self, key: str, record: StepRecord, event: str, outcome: Outcome | None = None, position: int | None = None
    ) -> None:
        """Keep a step for the next write, unless an earlier pass has written it."""
        if key in self._written:
            return
        update: dict[str, Any] = {"node_id": key}
        if outcome is not None:
            update |= {"output": outcome.output, "branch": outcome.branch}
            position = outcome.position
        self._pending[key] = Entry(record=record.model_copy(update=update), event=event, position=position)

    async def _begin(self, key: str, node: PlannedNode) -> None:
        """Before a node that reaches out: rest while paused, keep within the day's ceiling, write what is pending."""
        await self._progress.pause_point()
        await self._write_down(f"{key}:begin", {"node_id": key, "kind": node.node.kind, "name": node.node.name})

    async def _write_down(self, key: str, begun: dict[str, Any] | None) -> None:
        """Write what is pending, and the node that is begun now; two branches must not both write the same."""
        async with self._beginning:
            pending = dict(self._pending)
            written: list[str] = await self._branches.transact(key, partial(self._write, begun, pending))
            self._written.update(written)
            for name in written:
                self._pending.pop(name, None)

    async def _write(self, begun: dict[str, Any] | None, pending: Mapping[str, Entry], ctx: Ctx) -> Json:
        if self._order.daily_cap is not None:
            await budgets.require_day(ctx, self._facts.spender, self._order.daily_cap)
        await self._progress.write(ctx, list(pending.values()))
        if begun is not None:
            await self._progress.tell(ctx, "node.started", begun)
        return list(pending)


def _is_taken(edge: Edge, outcome: Outcome) -> bool:
    if outcome.branch == ERROR_BRANCH:
        return edge.branch == ERROR_BRANCH
    return edge.branch != ITEM_BRANCH and edge.branch in {None, outcome.branch}


def _plain_record(node: PlannedNode) -> StepRecord:
    return StepRecord(kind=StepKind.NODE, name=node.node.name or node.node.kind, status=StepStatus.COMPLETED)


def _key(prefix: str, node_id: str) -> str:
    """A node's place in the run; deep in nested loops a digest stands for the loops around it."""
    key = f"{prefix}{node_id}"
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{hashlib.sha256(prefix.encode()).hexdigest()[:32]}/{node_id}"
