"""Rows of the approvals; what is sealed leaves only through its own functions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, literal_column, select, update

from interlock.domains.governance.approvals.models import approvals
from interlock.domains.governance.approvals.states import ApprovalStatus
from interlock.domains.governance.approvals.views import Approval, ApprovalId, ApprovalKind
from interlock.kit.errors import not_found
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import Repository

_PAYLOAD = "approval-payload"
_EDIT = "approval-edit"
_columns = approvals.c
_MINE = (_columns.guid == bindparam("key"), _columns.workspace_id == bindparam("workspace"))
_SEALED = select(_columns.sealed_payload, _columns.schema).where(*_MINE)
_ONE_TIME = (
    select(approvals)
    .where(
        _columns.workspace_id == bindparam("workspace"),
        _columns.args_hash == bindparam("args_hash"),
        _columns.tool == bindparam("tool"),
        _columns.caller_label == bindparam("caller_label"),
        _columns.kind == ApprovalKind.CHECK,
        # Written as the partial index has it: SQLAlchemy's own words for a flag are not recognised.
        literal_column("approvals.one_time"),
        _columns.consumed_at.is_(None),
        _columns.status == bindparam("status"),
        _columns.expires_at > bindparam("now"),
    )
    .order_by(_columns.id)
    .limit(1)
)
_CONSUME = (
    update(approvals)
    .where(*_MINE, _columns.consumed_at.is_(None))
    .values(consumed_at=bindparam("now", type_=_columns.consumed_at.type))
)
_OVERDUE = (
    select(_columns.workspace_id, _columns.guid)
    .where(_columns.status == literal_column("'pending'"), _columns.expires_at <= bindparam("now"))
    .order_by(_columns.expires_at)
    .limit(500)
)
_RECENT = (
    select(_columns.arguments)
    .where(_columns.workspace_id == bindparam("workspace"))
    .order_by(_columns.id.desc())
    .limit(bindparam("most"))
)


class Approvals(Repository[Approval]):
    """Approvals of a workspace, newest first."""

    table = approvals
    view = Approval
    thing = "approval"
    listing = ListSpec(filters=frozenset({"status", "kind", "tool", "run_id", "subject"}))

    def to_view(self, row: Row[Any]) -> Approval:
        """The view; a gate whose time has run out is expired, whether or not the clerk has come by."""
        values = dict(row._mapping)
        values["number"], values["id"] = values.pop("id"), values["guid"]
        if row.status is ApprovalStatus.PENDING and row.expires_at <= self.ctx.now:
            values["status"], values["decided_at"] = ApprovalStatus.EXPIRED, row.expires_at
        if row.sealed_edit is not None:
            values["edited_output"] = self.ctx.runtime.secrets.decrypt_json(row.sealed_edit, purpose=_EDIT)
        return Approval.model_validate(values)

    def seal_payload(self, payload: object) -> bytes:
        """A held call, encrypted."""
        return self.ctx.runtime.secrets.encrypt_json(payload, purpose=_PAYLOAD)

    def seal_edit(self, edit: object) -> bytes:
        """A reviewer's replacement, encrypted."""
        return self.ctx.runtime.secrets.encrypt_json(edit, purpose=_EDIT)

    async def payload(self, key: ApprovalId) -> Any:
        """The held call, or None where it has been destroyed or never was."""
        sealed = (await self._sealed(key)).sealed_payload
        return None if sealed is None else self.ctx.runtime.secrets.decrypt_json(sealed, purpose=_PAYLOAD)

    async def schema(self, key: ApprovalId) -> dict[str, Any] | None:
        """The JSON schema an edit must satisfy."""
        schema: dict[str, Any] | None = (await self._sealed(key)).schema
        return schema

    async def _sealed(self, key: ApprovalId) -> Row[Any]:
        session = await self.ctx.session()
        row = (await session.execute(_SEALED, {"key": key, "workspace": self.ctx.workspace_id})).first()
        if row is None:
            raise not_found(self.thing, key)
        return row

    async def one_time(self, tool: str, caller_label: str, args_hash: str, status: ApprovalStatus) -> Approval | None:
        """The oldest gate of an identical check without key that is still of use."""
        parameters = {
            "workspace": self.ctx.workspace_id,
            "args_hash": args_hash,
            "tool": tool,
            "caller_label": caller_label,
            "status": status,
            "now": self.ctx.now,
        }
        row = (await (await self.ctx.session()).execute(_ONE_TIME, parameters)).first()
        return None if row is None else self.to_view(row)

    async def consume(self, key: ApprovalId) -> bool:
        """Use an approval up; tells whether it was still there."""
        parameters = {"key": key, "workspace": self.ctx.workspace_id, "now": self.ctx.now}
        return (await (await self.ctx.session()).execute(_CONSUME, parameters)).rowcount == 1


async def recent_arguments(ctx: Ctx, most: int) -> list[dict[str, Any]]:
    """The masked arguments of the latest gates."""
    rows = await (await ctx.session()).execute_long(_RECENT, {"workspace": ctx.workspace_id, "most": most})
    return list(rows.scalars())


async def overdue(ctx: Ctx, now: datetime) -> list[tuple[WorkspaceId, ApprovalId]]:
    """Pending gates of every workspace whose time has run out, the oldest first."""
    rows = await (await ctx.session()).execute(_OVERDUE, {"now": now})
    return [(row.workspace_id, row.guid) for row in rows]
