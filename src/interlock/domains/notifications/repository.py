"""Rows of the notifications domain."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select

from interlock.domains.notifications.models import notifications
from interlock.domains.notifications.states import LIFECYCLE, NotificationState
from interlock.domains.notifications.views import Notification, NotificationId
from interlock.domains.tools.views import ToolCallId
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, WorkspaceId
from interlock.runtime.repository import Repository, insert_if_absent

_columns = notifications.c
_HELD = select(notifications).where(
    _columns.workspace_id == bindparam("workspace"),
    _columns.call_id == bindparam("call"),
    _columns.state == NotificationState.HELD,
)
_WORKSPACES = select(_columns.workspace_id).distinct()


class Notifications(Repository[Notification]):
    """Notifications of a workspace, newest first."""

    table = notifications
    view = Notification
    thing = "notification"
    listing = ListSpec(filters=frozenset({"state", "channel", "event"}))

    async def put(self, key: NotificationId, **values: Any) -> bool:
        """Note what is to be sent; False when this very news is on record for the channel."""
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, **values}
        return await insert_if_absent(self.ctx, notifications, row)

    async def held_by(self, call_id: ToolCallId) -> Notification | None:
        """The notification whose tool call a person decides about."""
        parameters = {"workspace": self.ctx.workspace_id, "call": call_id}
        row = (await (await self.ctx.session()).execute(_HELD, parameters)).first()
        return None if row is None else self.to_view(row)

    async def move(self, seen: Notification, state: NotificationState, **values: Any) -> Notification:
        """Change what became of a notification, if it still stands as it was seen; a conflict otherwise."""
        LIFECYCLE.check(seen.state, state)
        unchanged = [_columns.state == seen.state, _columns.attempts == seen.attempts]
        return await self.change(seen.id, {"state": state, **values}, where=unchanged)

    async def drop_before(self, moment: datetime) -> int:
        """Delete the workspace's notifications from before a moment; tells how many."""
        old = delete(notifications).where(_columns.workspace_id == self.ctx.workspace_id, _columns.created_at < moment)
        return (await (await self.ctx.session()).execute_long(old)).rowcount


async def workspaces_notified(ctx: Ctx) -> list[WorkspaceId]:
    """Every workspace that has a notification."""
    return list((await (await ctx.session()).execute_long(_WORKSPACES)).scalars())
