"""Rows of the runs domain."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Text, bindparam, case, cast, delete, func, insert, literal, or_, select, update

from interlock.domains.runs.models import run_messages, run_steps, runs
from interlock.domains.runs.states import LIFECYCLE, RunStatus, StepStatus, Trigger
from interlock.domains.runs.views import Family, NodeStep, Relative, Run, RunSummary, Step, StepId, StepRow, Tally
from interlock.kit.errors import not_found
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.kit.money import ZERO
from interlock.kit.paging import ListSpec, Page, PageQuery
from interlock.runtime import tables
from interlock.runtime.context import Ctx
from interlock.runtime.repository import Repository

_ABOVE_ALL = 2**63 - 1
_FIRST_BATCH, _LARGEST_BATCH = 20, 2_000

_STEPS = (
    select(run_steps)
    .where(run_steps.c.run_id == bindparam("run"), run_steps.c.workspace_id == bindparam("workspace"))
    .order_by(run_steps.c.position)
)
_ADD = (
    update(runs)
    .where(runs.c.guid == bindparam("run"))
    .values(
        total_cost=runs.c.total_cost + bindparam("cost", type_=tables.MoneyType()),
        total_tokens=runs.c.total_tokens + bindparam("tokens"),
        unknown_costs=runs.c.unknown_costs + bindparam("unknown"),
    )
)
_STATUS = select(runs.c.status).where(runs.c.guid == bindparam("run"))
_SHIFT = (
    update(runs)
    .where(runs.c.guid == bindparam("run"), runs.c.status == bindparam("from_status"))
    .values(status=bindparam("to_status"))
)
_NEXT = select(func.coalesce(func.max(run_steps.c.position), -1) + 1).where(run_steps.c.run_id == bindparam("run"))
_WAITING = select(func.count()).where(
    run_steps.c.run_id == bindparam("run"), run_steps.c.status == StepStatus.WAITING_APPROVAL
)
_CHILDREN = select(runs.c.guid).where(runs.c.parent_run_id == bindparam("run"), runs.c.completed_at.is_(None))
_IN_FLIGHT = (
    select(runs.c.guid)
    .where(
        runs.c.workflow_id == bindparam("workflow"),
        runs.c.workspace_id == bindparam("workspace"),
        runs.c.completed_at.is_(None),
    )
    .limit(1)
)
_OF_WORKFLOW = (
    select(runs.c.guid)
    .where(runs.c.workflow_id == bindparam("workflow"), runs.c.workspace_id == bindparam("workspace"))
    .order_by(runs.c.id)
    .limit(bindparam("most"))
)
_OF_ONE = (runs.c.workspace_id == bindparam("workspace"), runs.c.workflow_id == bindparam("workflow"))
_LAST_OF_WORKFLOW = select(runs).where(*_OF_ONE).order_by(runs.c.id.desc()).limit(1)
_LATELY = (
    select(runs.c.id, runs.c.started_at, runs.c.total_cost)
    .where(*_OF_ONE, runs.c.id < bindparam("before"))
    .order_by(runs.c.id.desc())
    .limit(bindparam("most"))
)
_OF_NODES = (
    select(*(run_steps.c[name] for name in NodeStep.model_fields))
    .where(
        run_steps.c.run_id == bindparam("run"),
        run_steps.c.workspace_id == bindparam("workspace"),
        run_steps.c.node_id.is_not(None),
    )
    .order_by(run_steps.c.position.desc())
    .limit(bindparam("most"))
)
_OF_NODE = (
    select(run_steps)
    .where(
        run_steps.c.run_id == bindparam("run"),
        run_steps.c.workspace_id == bindparam("workspace"),
        or_(run_steps.c.node_id == bindparam("node"), run_steps.c.node_id.like(bindparam("inside_loops"), escape="!")),
    )
    .order_by(run_steps.c.position.desc())
    .limit(bindparam("most"))
)
_MOST_OUTPUT = 2_000
"""Characters of an output that a list of steps shows."""
_OUTPUT = cast(run_steps.c.output, Text)
_OUTPUT_SIZE = func.length(_OUTPUT)
_MINE = (run_steps.c.run_id == bindparam("run"), run_steps.c.workspace_id == bindparam("workspace"))
_STEP_PAGE = (
    select(
        *(column for column in run_steps.c if column.name != "output"),
        case((_OUTPUT_SIZE <= _MOST_OUTPUT, run_steps.c.output)).label("output"),
        case((_OUTPUT_SIZE > _MOST_OUTPUT, func.substr(_OUTPUT, 1, _MOST_OUTPUT))).label("output_start"),
        func.coalesce(_OUTPUT_SIZE, 0).label("output_size"),
    )
    .where(*_MINE, run_steps.c.position >= bindparam("first"))
    .order_by(run_steps.c.position)
    .limit(bindparam("most"))
)
_STEP = select(run_steps).where(*_MINE, run_steps.c.position == bindparam("position"))
_LISTED = tuple(column for column in runs.c if column.name not in {"input", "output"})
_NEWER = (
    select(runs.c.id)
    .where(runs.c.workspace_id == bindparam("workspace"), runs.c.started_at >= bindparam("since"))
    .order_by(runs.c.started_at, runs.c.id)
    .limit(1)
)
_LAST_OF_AGENT = (
    select(*_LISTED)
    .where(runs.c.workspace_id == bindparam("workspace"), runs.c.agent_id == bindparam("agent"))
    .order_by(runs.c.id.desc())
    .limit(1)
)
_MOST_RELATIVES = 200
_DEEPEST = 12
_child = runs.alias("child")
_roots = (
    select(runs.c.guid, literal(1).label("depth"))
    .where(runs.c.parent_run_id == bindparam("run"), runs.c.workspace_id == bindparam("workspace"))
    .cte("family", recursive=True)
)
_family = _roots.union_all(
    select(_child.c.guid, _roots.c.depth + 1).where(_child.c.parent_run_id == _roots.c.guid, _roots.c.depth < _DEEPEST)
)
_FAMILY = (
    select(
        *(runs.c[name] for name in Relative.model_fields if name not in {"id", "depth"}), runs.c.guid, _family.c.depth
    )
    .join(_family, _family.c.guid == runs.c.guid)
    .order_by(runs.c.id)
    .limit(_MOST_RELATIVES)
)
_FAMILY_SIZE = select(
    func.count().label("total"),
    func.coalesce(func.sum(case((runs.c.completed_at.is_(None), 1), else_=0)), 0).label("unfinished"),
).select_from(runs.join(_family, _family.c.guid == runs.c.guid))
BEFORE_ALL = -1
_PURPOSE = "run-message:{}"
_KEEP_MESSAGE = insert(run_messages)
_MESSAGES_BEFORE = (
    select(run_messages.c.key, run_messages.c.position, run_messages.c.sealed)
    .where(
        run_messages.c.run_id == bindparam("run"),
        run_messages.c.workspace_id == bindparam("workspace"),
        run_messages.c.position < bindparam("end"),
    )
    .order_by(run_messages.c.id)
)
_POSITIONS = select(run_messages.c.position).where(
    run_messages.c.run_id == bindparam("run"), run_messages.c.workspace_id == bindparam("workspace")
)
_MESSAGE_AT = _POSITIONS.with_only_columns(run_messages.c.sealed).where(run_messages.c.position == bindparam("at"))
_INSERT_STEP = insert(run_steps)
_SETTLED = tuple(
    column.name for column in run_steps.c if column.name not in {"id", "guid", "workspace_id", "run_id", "position"}
)
_SETTLE_STEP = (
    update(run_steps)
    .where(run_steps.c.run_id == bindparam("of_run"), run_steps.c.position == bindparam("at_position"))
    .values({name: bindparam(f"new_{name}", type_=run_steps.c[name].type) for name in _SETTLED})
)
_CLOSE = (
    update(runs)
    .where(runs.c.guid == bindparam("run"), runs.c.completed_at.is_(None))
    .values(
        status=bindparam("new_status", type_=runs.c.status.type),
        output=bindparam("new_output", type_=runs.c.output.type),
        error=bindparam("new_error"),
        completed_at=bindparam("now", type_=runs.c.completed_at.type),
    )
    .returning(runs.c.parent_run_id, runs.c.trigger)
)


class Cost(Protocol):
    """What a step adds to the totals of its run; an unknown cost is None."""

    @property
    def cost(self) -> Decimal | None:
        """US dollars."""
        ...

    @property
    def input_tokens(self) -> int:
        """Tokens read."""
        ...

    @property
    def output_tokens(self) -> int:
        """Tokens written."""
        ...


@dataclass(frozen=True, slots=True)
class Closed:
    """A run that was just ended: which run waits for it, and what it was started by."""

    parent_run_id: RunId | None
    trigger: Trigger


class Runs(Repository[Run]):
    """Runs of a workspace, newest first."""

    table = runs
    view = Run
    thing = "run"
    listing = ListSpec(filters=frozenset({"workflow_id"}))

    async def move(self, key: RunId, target: RunStatus, **values: Any) -> Run:
        """Change the status as a compare-and-set: of two that race, one gets a conflict."""
        allowed = runs.c.status.in_(LIFECYCLE.sources(target))
        return await self.change(key, {"status": target, **values}, where=[allowed])

    async def add_steps(self, key: RunId, records: Sequence[Cost]) -> None:
        """Add finished steps to the totals."""
        costs = [record.cost for record in records]
        tokens = sum(record.input_tokens + record.output_tokens for record in records)
        known, unknown = sum((cost for cost in costs if cost is not None), ZERO), costs.count(None)
        if known or tokens or unknown:
            session = await self.ctx.session()
            await session.execute(_ADD, {"run": key, "cost": known, "tokens": tokens, "unknown": unknown})

    async def status(self, key: RunId) -> RunStatus:
        """Where a run stands."""
        found: RunStatus = (await (await self.ctx.session()).execute(_STATUS, {"run": key})).scalar_one()
        return found

    async def shift(self, key: RunId, source: RunStatus, target: RunStatus) -> None:
        """Change the status if it is what is expected; what has moved on meanwhile is left alone."""
        values = {"run": key, "from_status": source, "to_status": target}
        await (await self.ctx.session()).execute(_SHIFT, values)

    async def close(self, key: RunId, status: RunStatus, output: Any, error: str | None) -> Closed | None:
        """End a run unless it has ended; tells who wants to know of it."""
        values = {"run": key, "new_status": status, "new_output": output, "new_error": error, "now": self.ctx.now}
        row = (await (await self.ctx.session()).execute(_CLOSE, values)).first()
        return None if row is None else Closed(row.parent_run_id, row.trigger)

    async def children(self, key: RunId) -> list[RunId]:
        """The runs that a run has started and that have not ended."""
        return list((await (await self.ctx.session()).execute(_CHILDREN, {"run": key})).scalars())

    async def has_in_flight(self, workflow_id: WorkflowId) -> bool:
        """Whether a run of a workflow has not ended."""
        values = {"workflow": workflow_id, "workspace": self.ctx.workspace_id}
        return (await (await self.ctx.session()).execute(_IN_FLIGHT, values)).first() is not None

    async def last_of_workflow(self, workflow_id: WorkflowId) -> Run | None:
        """The newest run of a workflow."""
        values = {"workflow": workflow_id, "workspace": self.ctx.workspace_id}
        row = (await (await self.ctx.session()).execute(_LAST_OF_WORKFLOW, values)).first()
        return None if row is None else self.to_view(row)

    async def tally(self, workflow_id: WorkflowId, since: datetime, most: int) -> Tally:
        """How many runs of a workflow began since a moment, and their cost; of more than `most` the newest count."""
        session = await self.ctx.session()
        values = {"workflow": workflow_id, "workspace": self.ctx.workspace_id}
        before, batch, counted, cost = _ABOVE_ALL, _FIRST_BATCH, 0, ZERO
        while counted < most:
            # From the newest one back: they begin in the order of their ids, so that no index by time is needed.
            rows = (await session.execute(_LATELY, {**values, "before": before, "most": batch})).all()
            fresh = [row for row in rows if row.started_at >= since]
            counted, cost = counted + len(fresh), sum((row.total_cost for row in fresh), cost)
            if len(fresh) < batch:
                break
            before, batch = rows[-1].id, min(batch * 4, _LARGEST_BATCH, most)
        return Tally(runs=counted, cost=cost)

    async def forget_workflow(self, workflow_id: WorkflowId, most: int) -> int:
        """Delete some of the runs of a workflow, with what hangs on them; tells how many."""
        session = await self.ctx.session()
        values = {"workflow": workflow_id, "workspace": self.ctx.workspace_id, "most": most}
        chosen = list((await session.execute(_OF_WORKFLOW, values)).scalars())
        if chosen:
            await session.execute(delete(run_steps).where(run_steps.c.run_id.in_(chosen)))
            await session.execute(delete(run_messages).where(run_messages.c.run_id.in_(chosen)))
            await self.ctx.runtime.streams.drop(self.ctx, [f"run:{key}" for key in chosen])
            await session.execute(delete(runs).where(runs.c.guid.in_(chosen)))
        return len(chosen)


class Summaries(Repository[RunSummary]):
    """Runs of a workspace as lists show them: what they were given and gave may be long, and is not read."""

    table = runs
    view = RunSummary
    thing = "run"

    async def page_where(self, query: PageQuery, conditions: list[ColumnElement[bool]]) -> Page[RunSummary]:
        """A page of the rows that meet the conditions (which must include the workspace)."""
        listed = select(*_LISTED).where(*conditions).order_by(runs.c.id.desc())
        session = await self.ctx.session()
        is_long = len(conditions) > 1 or query.offset > 0  # many rows may have to be passed over
        read = session.execute_long if is_long else session.execute
        rows = (await read(listed.limit(query.limit).offset(query.offset))).all()
        return Page(tuple(self.to_view(row) for row in rows), query.limit, query.offset)

    async def oldest_since(self, moment: datetime) -> int | None:
        """The lowest number among the runs begun since a moment: numbers and moments rise together."""
        values = {"workspace": self.ctx.workspace_id, "since": moment}
        number: int | None = (await (await self.ctx.session()).execute(_NEWER, values)).scalar()
        return number

    async def last_of_agent(self, agent_id: AgentId) -> RunSummary | None:
        """An agent's newest run."""
        values = {"workspace": self.ctx.workspace_id, "agent": agent_id}
        row = (await (await self.ctx.session()).execute(_LAST_OF_AGENT, values)).first()
        return None if row is None else self.to_view(row)

    async def family(self, key: RunId) -> Family:
        """What a run has started, and what that has started."""
        session = await self.ctx.session()
        values = {"run": key, "workspace": self.ctx.workspace_id}
        rows = (await session.execute(_FAMILY, values)).all()
        sizes = (await session.execute(_FAMILY_SIZE, values)).one()
        found = (Relative.model_validate({**row._mapping, "id": row.guid}) for row in rows)
        return Family(runs=tuple(found), total=sizes.total, unfinished=sizes.unfinished)


class Steps(Repository[Step]):
    """Steps of runs."""

    table = run_steps
    view = Step
    thing = "step"
    listing = ListSpec(order="position", descending=False)

    async def of_run(self, run_id: RunId) -> tuple[Step, ...]:
        """A run's steps in order."""
        session = await self.ctx.session()
        rows = await session.execute(_STEPS, {"run": run_id, "workspace": self.ctx.workspace_id})
        return tuple(self.to_view(row) for row in rows)

    async def of_nodes(self, run_id: RunId, most: int) -> tuple[NodeStep, ...]:
        """The newest steps of nodes in order, without their outputs."""
        values = {"run": run_id, "workspace": self.ctx.workspace_id, "most": most}
        rows = (await (await self.ctx.session()).execute(_OF_NODES, values)).all()
        return tuple(NodeStep.model_validate(row) for row in reversed(rows))

    async def of_node(self, run_id: RunId, node: str, most: int) -> tuple[Step, ...]:
        """The newest steps of a node, in loops too, the last one first."""
        inside = "%/" + node.replace("_", "!_")
        values = {"run": run_id, "workspace": self.ctx.workspace_id, "node": node, "inside_loops": inside, "most": most}
        rows = await (await self.ctx.session()).execute(_OF_NODE, values)
        return tuple(self.to_view(row) for row in rows)

    async def page_of(self, run_id: RunId, query: PageQuery) -> Page[StepRow]:
        """A page of a run's steps; positions have no gaps, so the first one is found by its number."""
        session = await self.ctx.session()
        values = {"run": run_id, "workspace": self.ctx.workspace_id, "first": query.offset, "most": query.limit}
        rows = (await session.execute_long(_STEP_PAGE, values)).all()
        total = await self.next_position(run_id)
        found = (StepRow.model_validate({**row._mapping, "number": row.id, "id": row.guid}) for row in rows)
        return Page(tuple(found), query.limit, query.offset, total)

    async def at(self, run_id: RunId, position: int) -> Step:
        """One step.

        Raises:
            InterlockError: not_found.
        """
        values = {"run": run_id, "workspace": self.ctx.workspace_id, "position": position}
        row = (await (await self.ctx.session()).execute(_STEP, values)).first()
        if row is None:
            raise not_found("step of the run", position)
        return self.to_view(row)

    async def next_position(self, run_id: RunId) -> int:
        """The first free place."""
        position: int = (await (await self.ctx.session()).execute(_NEXT, {"run": run_id})).scalar_one()
        return position

    async def are_waiting(self, run_id: RunId, *, at_least: int) -> bool:
        """Whether so many steps of a run wait for people."""
        number: int = (await (await self.ctx.session()).execute(_WAITING, {"run": run_id})).scalar_one()
        return number >= at_least

    async def insert(self, run_id: RunId, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write new steps."""
        about = {"workspace_id": self.ctx.workspace_id, "run_id": run_id}
        full = [{**about, **row} for row in rows]
        if full:
            await (await self.ctx.session()).execute(_INSERT_STEP, full if len(full) > 1 else full[0])

    async def settle(self, run_id: RunId, position: int, row: Mapping[str, Any]) -> None:
        """Write a step in the place of the one that waited."""
        mine = {"of_run": run_id, "at_position": position}
        await (await self.ctx.session()).execute(_SETTLE_STEP, {**mine, **{f"new_{k}": row[k] for k in _SETTLED}})

    async def take_over(self, steps: Sequence[Step], run_id: RunId) -> None:
        """Write steps of an earlier run as this run's first ones; they cost it nothing."""
        unpaid = {"cost": ZERO, "input_tokens": 0, "output_tokens": 0, "latency_ms": 0}
        rows = [
            {
                **{name: getattr(step, name) for name in _SETTLED},
                **unpaid,
                "guid": StepId.new(),
                "position": step.position,
                "taken_from": step.taken_from or step.run_id,
            }
            for step in steps
        ]
        await self.insert(run_id, rows)


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said between an agent and its model, in the JSON form in which it is said again.

    Args:
        position: of the step that said it; what was said before the first one has none.
    """

    key: str
    value: Any
    position: int = BEFORE_ALL


class Messages:
    """What was said in runs of a workspace, sealed."""

    def __init__(self, ctx: Ctx) -> None:
        self.ctx = ctx

    async def keep(self, run_id: RunId, messages: Sequence[Message]) -> None:
        """Write messages of a run, in their order."""
        rows = [
            {
                "workspace_id": self.ctx.workspace_id,
                "run_id": run_id,
                "key": message.key,
                "position": message.position,
                "sealed": self._sealed(run_id, message.value),
            }
            for message in messages
        ]
        if rows:
            await (await self.ctx.session()).execute(_KEEP_MESSAGE, rows if len(rows) > 1 else rows[0])

    async def before(self, run_id: RunId, position: int) -> list[Message]:
        """What was said before a step, in order."""
        values = {"run": run_id, "workspace": self.ctx.workspace_id, "end": position}
        rows = await (await self.ctx.session()).execute(_MESSAGES_BEFORE, values)
        return [Message(row.key, self._opened(run_id, row.sealed), row.position) for row in rows]

    async def at(self, run_id: RunId, position: int) -> Any:
        """What a step said; None when nothing of it was kept."""
        values = {"run": run_id, "workspace": self.ctx.workspace_id, "at": position}
        row = (await (await self.ctx.session()).execute(_MESSAGE_AT, values)).first()
        return None if row is None else self._opened(run_id, row.sealed)

    async def complete_until(self, run_id: RunId) -> int:
        """The first position of which nothing was kept."""
        values = {"run": run_id, "workspace": self.ctx.workspace_id}
        kept = set((await (await self.ctx.session()).execute(_POSITIONS, values)).scalars())
        return next(position for position in count() if position not in kept)

    def _sealed(self, run_id: RunId, value: Any) -> str:
        plain = json.dumps(value, separators=(",", ":")).encode()
        return base64.b64encode(self.ctx.runtime.secrets.encrypt(plain, purpose=_PURPOSE.format(run_id))).decode()

    def _opened(self, run_id: RunId, sealed: str) -> Any:
        return json.loads(self.ctx.runtime.secrets.decrypt(base64.b64decode(sealed), purpose=_PURPOSE.format(run_id)))
