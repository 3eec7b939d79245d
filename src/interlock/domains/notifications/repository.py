"""Rows of the notifications domain."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select, union, update
from sqlalchemy.sql import ColumnElement

from interlock.domains.notifications.models import inbox_items, notifications
from interlock.domains.notifications.states import LIFECYCLE, NotificationState
from interlock.domains.notifications.views import EVERYONE, InboxItem, InboxItemId, Notification, NotificationId
from interlock.domains.tools.views import ToolCallId
from interlock.kit.errors import not_found
from interlock.kit.paging import ListSpec
from interlock.runtime.context import Ctx, UserId, WorkspaceId
from interlock.runtime.repository import Repository, insert_if_absent

_columns = notifications.c
_HELD = select(notifications).where(
    _columns.workspace_id == bindparam("workspace"),
    _columns.call_id == bindparam("call"),
    _columns.state == NotificationState.HELD,
)
_items = inbox_items.c
_WORKSPACES = union(select(_columns.workspace_id).distinct(), select(_items.workspace_id).distinct())
MOST_COUNTED = 1_000
_MINE = (
    _items.workspace_id == bindparam("workspace"),
    _items.user_id.in_(
        (bindparam("everyone", EVERYONE, _items.user_id.type), bindparam("me", type_=_items.user_id.type))
    ),
)
_WAITING = select(_items.id).where(*_MINE, _items.read_at.is_(None)).limit(MOST_COUNTED + 1)
_UNREAD = select(func.count()).select_from(_WAITING.subquery("first_unread"))
_READ_ALL = (
    update(inbox_items)
    .where(*_MINE, _items.read_at.is_(None), _items.created_at <= bindparam("before"))
    .values(read_at=bindparam("now"))
)


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


class Inbox(Repository[InboxItem]):
    """What the workspace, or the person who asks, is told in the product; newest first."""

    table = inbox_items
    view = InboxItem
    thing = "inbox item"
    listing = ListSpec(filters=frozenset({"kind", "level"}))

    async def put(self, key: InboxItemId, **values: Any) -> bool:
        """Keep a piece of news; False when it is there already."""
        row = {"guid": key, "workspace_id": self.ctx.workspace_id, "read_at": None, **values}
        return await insert_if_absent(self.ctx, inbox_items, row)

    def mine(self) -> list[ColumnElement[bool]]:
        """What the caller may see: the workspace's own and what is for this person."""
        return [_items.workspace_id == self.ctx.workspace_id, _items.user_id.in_((EVERYONE, self._me))]

    async def unread(self) -> int:
        """How many of them wait to be read, counted up to one more than the limit: the badge costs the same always."""
        return int((await (await self.ctx.session()).execute(_UNREAD, self._who)).scalar_one())

    async def read(self, keys: tuple[InboxItemId, ...]) -> None:
        """Note that these are read; those that were read before stay as they are."""
        these = update(inbox_items).where(*self.mine(), _items.guid.in_(keys), _items.read_at.is_(None))
        await (await self.ctx.session()).execute(these.values(read_at=self.ctx.now))

    async def read_until(self, moment: datetime) -> None:
        """Note that all that came up to a moment is read."""
        values = {**self._who, "before": moment, "now": self.ctx.now}
        await (await self.ctx.session()).execute_long(_READ_ALL, values)

    async def dismiss(self, key: InboxItemId) -> None:
        """Take one away; not_found when the caller sees none such."""
        gone = await (await self.ctx.session()).execute(delete(inbox_items).where(*self.mine(), _items.guid == key))
        if gone.rowcount == 0:
            raise not_found(self.thing, key)

    async def drop_before(self, moment: datetime) -> int:
        """Delete the workspace's items from before a moment; tells how many."""
        old = delete(inbox_items).where(_items.workspace_id == self.ctx.workspace_id, _items.created_at < moment)
        return (await (await self.ctx.session()).execute_long(old)).rowcount

    @property
    def _me(self) -> UserId:
        return self.ctx.actor.user_id or EVERYONE

    @property
    def _who(self) -> dict[str, Any]:
        return {"workspace": self.ctx.workspace_id, "me": self._me}


async def workspaces_notified(ctx: Ctx) -> list[WorkspaceId]:
    """Every workspace that was told anything."""
    return list((await (await ctx.session()).execute_long(_WORKSPACES)).scalars())
