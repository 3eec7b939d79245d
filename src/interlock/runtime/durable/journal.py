"""The journal of durable functions: their rows, the records of their steps, and the signals sent to them.

Values are kept as JSON text, not JSONB: a replay must see the very value the first pass saw, key order included.
Results of steps are encrypted: they hold what models said and tools were asked, raw, while a call waits for a person.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import Boolean, Column, Index, Row, String, Table, Text, bindparam, delete, insert, select, text, update
from sqlalchemy.sql.elements import BindParameter

from interlock.kit.errors import InterlockError, Kind
from interlock.runtime import tables
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import insert_if_absent

Json: TypeAlias = Any
MAX_NAME = 200
_MAX_ERROR = 4000
_PURPOSE = "durable-step:{}"
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class FlowState(StrEnum):
    """Where a flow stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RecordKind(StrEnum):
    """What a record was made by; a replay must ask for the same."""

    TRANSACT = "transact"
    STEP = "step"
    WAIT = "wait"
    DEADLINE = "deadline"
    SLEEP = "sleep"


class DurableUseError(RuntimeError):
    """A durable function breaks a rule that replay rests on; the message names the flow, the key and the remedy."""


_state, _state_check = tables.state("state", FlowState)
flow_rows = Table(
    "durable_flows",
    tables.metadata,
    tables.key(),
    Column("flow_id", String(MAX_NAME), nullable=False, unique=True),
    tables.reference("workspace_id", WorkspaceId),
    Column("function", String(MAX_NAME), nullable=False),
    Column("argument", Text, nullable=False),
    _state,
    _state_check,
    Column("result", Text),
    Column("error", String(_MAX_ERROR)),
    Column("cancel_requested", Boolean(create_constraint=True, name="cancel_requested"), nullable=False),
    tables.moment("created_at"),
    tables.moment("finished_at", nullable=True),
    Index(
        "ix_durable_flows_running",
        "id",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

_kind, _kind_check = tables.state("kind", RecordKind)
step_rows = Table(
    "durable_steps",
    tables.metadata,
    tables.key(),
    Column("flow_id", String(MAX_NAME), nullable=False),
    Column("key", String(MAX_NAME), nullable=False),
    _kind,
    _kind_check,
    Column("result", Text, nullable=False),
    Column("is_error", Boolean(create_constraint=True, name="is_error"), nullable=False),
    tables.moment("at"),
    Index("uq_durable_steps_flow_id_key", "flow_id", "key", unique=True),
)

signal_rows = Table(
    "durable_signals",
    tables.metadata,
    tables.key(),
    Column("flow_id", String(MAX_NAME), nullable=False),
    Column("topic", String(MAX_NAME), nullable=False),
    Column("payload", Text, nullable=False),
    tables.moment("at"),
    Index("ix_durable_signals_flow_id", "flow_id", "id"),
)

_FLOW: BindParameter[str] = bindparam("flow")
_IS_RUNNING = text("durable_flows.state = 'running'")
_RUNNING = select(flow_rows.c.flow_id).where(_IS_RUNNING).order_by(flow_rows.c.id)
_CANCELLED = select(flow_rows.c.flow_id).where(_IS_RUNNING, flow_rows.c.cancel_requested)
_ENTRY = select(flow_rows).where(flow_rows.c.flow_id == _FLOW)
_RECORDS = select(step_rows.c.key, step_rows.c.kind, step_rows.c.result, step_rows.c.is_error).where(
    step_rows.c.flow_id == _FLOW
)
_RECORD = _RECORDS.where(step_rows.c.key == bindparam("wanted"))
_ADD_RECORD = insert(step_rows)
_DROP_RECORDS = delete(step_rows).where(step_rows.c.flow_id == _FLOW)
_HELD = _ENTRY.with_only_columns(flow_rows.c.state).with_for_update(read=True)
_ADD_SIGNAL = insert(signal_rows)
_OLDEST = (
    select(signal_rows.c.id, signal_rows.c.payload)
    .where(signal_rows.c.flow_id == _FLOW, signal_rows.c.topic == bindparam("wanted"))
    .order_by(signal_rows.c.id)
    .limit(1)
)
_TAKE = delete(signal_rows).where(signal_rows.c.id == bindparam("number"))
_DROP_SIGNALS = delete(signal_rows).where(signal_rows.c.flow_id == _FLOW)
_CANCEL = update(flow_rows).where(flow_rows.c.flow_id == _FLOW, _IS_RUNNING).values(cancel_requested=True)
_FINISH = (
    update(flow_rows)
    .where(flow_rows.c.flow_id == _FLOW, _IS_RUNNING)
    .values(
        state=bindparam("state"),
        argument="null",  # its domain keeps what is worth keeping; a copy here would outlive every deletion there
        result=bindparam("result"),
        error=bindparam("error"),
        finished_at=bindparam("finished_at"),
    )
)


@dataclass(frozen=True, slots=True)
class Record:
    """A finished step: its JSON text, and whether that is an error to raise again."""

    kind: RecordKind
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A flow as it stands when it enters."""

    flow_id: str
    workspace_id: WorkspaceId
    function: str
    argument: str
    state: FlowState
    cancel_requested: bool
    records: dict[str, Record]


def encode(value: Json, *, what: str) -> str:
    """JSON text of a value; raises when it is none."""
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError) as error:
        raise DurableUseError(
            f"{what} is not JSON ({error}): turn it into plain dicts, lists and text first"
        ) from error


def decode(value: str) -> Json:
    """A fresh copy of the value."""
    return json.loads(value)


def error_to_json(error: InterlockError) -> dict[str, Any]:
    """What a replay needs to raise the same error."""
    return {
        "kind": error.kind.value,
        "code": error.code,
        "message": error.message,
        "data": json.loads(json.dumps(error.data, default=str)),
        "hint": error.hint,
    }


def error_from_json(value: Mapping[str, Any]) -> InterlockError:
    """The error again."""
    return InterlockError(
        Kind(value["kind"]), value["message"], code=value["code"], data=value["data"], hint=value["hint"]
    )


def checked_name(value: str, *, what: str) -> str:
    """The name, when it fits the journal."""
    if not value or len(value) > MAX_NAME:
        raise DurableUseError(f"{what} must have 1 to {MAX_NAME} characters; '{value[:40]}' has {len(value)}")
    return value


async def add_flow(ctx: Ctx, function: str, flow_id: str, argument: str) -> bool:
    """Insert a flow unless its id is taken; tells which."""
    return await insert_if_absent(
        ctx,
        flow_rows,
        {
            "flow_id": checked_name(flow_id, what="a flow id"),
            "workspace_id": ctx.workspace_id,
            "function": function,
            "argument": argument,
            "state": FlowState.RUNNING,
            "cancel_requested": False,
            "created_at": ctx.now,
        },
    )


async def add_signal(ctx: Ctx, flow_id: str, topic: str, payload: str) -> bool:
    """Store a signal, unless the flow has ended; the row lock keeps the flow from ending in between."""
    session = await ctx.session()
    state = (await session.execute(_HELD, {"flow": flow_id})).scalar()
    if state is not None and state is not FlowState.RUNNING:
        return False
    row = {"flow_id": checked_name(flow_id, what="a flow id"), "payload": payload, "at": ctx.now}
    await session.execute(_ADD_SIGNAL, {**row, "topic": checked_name(topic, what="a topic")})
    return True


async def request_cancel(ctx: Ctx, flow_id: str) -> bool:
    """Mark a running flow; tells whether there was one."""
    session = await ctx.session()
    return bool((await session.execute(_CANCEL, {"flow": flow_id})).rowcount)


async def running_flows(ctx: Ctx) -> list[str]:
    """Ids of all unfinished flows, oldest first; reads a partial index, so history costs nothing."""
    session = await ctx.session()
    return list((await session.execute(_RUNNING)).scalars())


async def cancelled_flows(ctx: Ctx) -> list[str]:
    """Ids of the unfinished flows that somebody asked to cancel."""
    session = await ctx.session()
    return list((await session.execute(_CANCELLED)).scalars())


async def load(ctx: Ctx, flow_id: str) -> Entry | None:
    """A flow with every record of its steps."""
    session = await ctx.session()
    row = (await session.execute(_ENTRY, {"flow": flow_id})).first()
    if row is None:
        return None
    found = await session.execute(_RECORDS, {"flow": flow_id})
    records = {step.key: _opened(ctx, flow_id, step) for step in found}
    return Entry(row.flow_id, row.workspace_id, row.function, row.argument, row.state, row.cancel_requested, records)


async def find_record(ctx: Ctx, flow_id: str, key: str) -> Record | None:
    """One record, straight from the database."""
    session = await ctx.session()
    row = (await session.execute(_RECORD, {"flow": flow_id, "wanted": key})).first()
    return None if row is None else _opened(ctx, flow_id, row)


async def add_record(ctx: Ctx, flow_id: str, key: str, record: Record) -> None:
    """Store a record in this unit of work."""
    session = await ctx.session()
    sealed = ctx.runtime.secrets.encrypt(record.text.encode(), purpose=_PURPOSE.format(flow_id))
    row = {"flow_id": flow_id, "key": key, "kind": record.kind, "is_error": record.is_error, "at": ctx.now}
    await session.execute(_ADD_RECORD, {**row, "result": base64.b64encode(sealed).decode()})


def _opened(ctx: Ctx, flow_id: str, row: Row[Any]) -> Record:
    plain = ctx.runtime.secrets.decrypt(base64.b64decode(row.result), purpose=_PURPOSE.format(flow_id))
    return Record(row.kind, plain.decode(), row.is_error)


async def has_signal(ctx: Ctx, flow_id: str, topic: str) -> bool:
    """Whether a signal waits on the topic."""
    session = await ctx.session()
    return (await session.execute(_OLDEST, {"flow": flow_id, "wanted": topic})).first() is not None


async def take_signal(ctx: Ctx, flow_id: str, topic: str) -> str | None:
    """Remove the oldest signal of the topic and return its payload's text; None when there is none."""
    session = await ctx.session()
    while (row := (await session.execute(_OLDEST, {"flow": flow_id, "wanted": topic})).first()) is not None:
        # Another branch of the flow may have taken this one since we looked; then there may be a next.
        if (await session.execute(_TAKE, {"number": row.id})).rowcount:
            payload: str = row.payload
            return payload
    return None


def _storable(error: str) -> str:
    """The message without the characters that no database keeps; an ending must never fail for its wording."""
    return error.replace("\x00", "").encode(errors="replace").decode()[:_MAX_ERROR]


async def finish(
    ctx: Ctx, flow_id: str, state: FlowState, *, result: str | None = None, error: str | None = None
) -> bool:
    """End a flow and drop its records and signals; False when it had ended already.

    The row stays, so that starting the same id again stays one start.
    """
    session = await ctx.session()
    values = {"state": state, "result": result, "error": None if error is None else _storable(error)}
    ended = await session.execute(_FINISH, {"flow": flow_id, **values, "finished_at": ctx.now})
    if not ended.rowcount:
        return False
    await session.execute(_DROP_RECORDS, {"flow": flow_id})
    await session.execute(_DROP_SIGNALS, {"flow": flow_id})
    return True
