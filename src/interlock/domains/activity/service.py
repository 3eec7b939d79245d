"""Operations on the system log, and the writer the doorway calls."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from interlock.domains.activity.repository import SystemLog
from interlock.domains.activity.views import LogEntry, LogEntryId
from interlock.kit.ids import TypedId
from interlock.kit.operations import Operation, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx


class ListLog(PageQuery):
    """Which entries, and which page of them."""

    operation: Annotated[str, Field(max_length=80)] | None = None


@operation("activity.list", scope="admin")
async def list_(ctx: Ctx, command: ListLog) -> Page[LogEntry]:
    """List who changed what, newest first."""
    return await SystemLog(ctx).page(command, {"operation": command.operation})


async def write_audit_row(ctx: Ctx, facts: Operation, command: BaseModel, result: object) -> None:
    """Record one successful writing call, in its own unit of work."""
    actor = ctx.actor
    await SystemLog(ctx).append(
        guid=LogEntryId.new(),
        at=ctx.now,
        operation=facts.name,
        actor_kind=actor.kind,
        actor_id=None if actor.id is None else UUID(int=actor.id.int),
        actor_label=actor.label[:200],
        subject=_subject(command, result),
        face=ctx.face,
        request_id=ctx.request_id[:80],
    )


def _subject(command: BaseModel, result: object) -> str | None:
    """What the call was about: the thing it returned, else the thing its command names."""
    if isinstance(result, TypedId):
        return str(result)
    identity = getattr(result, "id", None)
    if isinstance(identity, TypedId):
        return str(identity)
    named = (value for value in vars(command).values() if isinstance(value, TypedId))
    first = next(named, None)
    return None if first is None else str(first)
