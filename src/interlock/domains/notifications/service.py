"""Operations on notifications: the deliveries of alerts over the workspace's channels, and the inbox in the product."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from interlock.domains.notifications.announcing import announce, configured_channels
from interlock.domains.notifications.messages import LONGEST_TITLE, Message, one_line
from interlock.domains.notifications.repository import MOST_COUNTED, Inbox, Notifications
from interlock.domains.notifications.states import Channel, NotificationKind, NotificationLevel, NotificationState
from interlock.domains.notifications.views import EVERYONE, InboxItem, InboxItemId, Notification, Unread
from interlock.kit.errors import invalid
from interlock.kit.operations import Command, Effect, Nothing, operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx, UserId

_LONGEST_BODY = 4_000


class ListNotifications(PageQuery):
    """Which notifications, and which page of them."""

    state: NotificationState | None = None
    channel: Channel | None = None
    event: Annotated[str, Field(max_length=80)] | None = None


class ListInbox(PageQuery):
    """Which items, and which page of them."""

    unread: Annotated[bool, Field(description="Only what has not been read.")] = False
    kind: NotificationKind | None = None
    level: NotificationLevel | None = None


class MarkRead(Command):
    """Which items: these, or all that came up to a moment."""

    ids: Annotated[tuple[InboxItemId, ...], Field(max_length=500)] = ()
    before: Annotated[AwareDatetime, Field(description="ISO 8601 with a zone.")] | None = None


class InboxItemRef(Command):
    """Which item."""

    item_id: InboxItemId


class NewNotification(Command):
    """A piece of news for people; texts that are too long are cut.

    Args:
        user_id: whom it is for; the whole workspace where nobody is named.
        source: of news that may be brought twice, what is the same then; only the first is kept.
        alert: also over every channel for which the workspace has said where.
    """

    kind: NotificationKind
    title: str
    body: str = ""
    level: NotificationLevel = NotificationLevel.INFO
    subject_kind: Annotated[str, Field(max_length=40)] | None = None
    subject_id: Annotated[str, Field(max_length=200)] | None = None
    user_id: UserId | None = None
    source: Annotated[str, Field(max_length=80)] | None = None
    alert: bool = False


def inbox_stream_of(ctx: Ctx) -> str:
    """The name of the workspace's stream of inbox news."""
    return f"inbox:{ctx.workspace_id}"


async def notify(ctx: Ctx, news: NewNotification) -> InboxItemId | None:
    """Put a piece of news into the inbox, in the caller's unit of work; None when this very news is there already.

    For other domains: nobody outside can write into an inbox.
    """
    key = InboxItemId.new()
    title = one_line(news.title, LONGEST_TITLE)
    fresh = await Inbox(ctx).put(
        key,
        user_id=news.user_id or EVERYONE,
        source=news.source,
        kind=news.kind,
        level=news.level,
        title=title,
        body=news.body[:_LONGEST_BODY],
        subject_kind=news.subject_kind,
        subject_id=news.subject_id,
        created_at=ctx.now,
    )
    if not fresh:
        return None
    data = news.model_dump(mode="json", include={"kind", "level", "subject_kind", "subject_id", "user_id"})
    await ctx.runtime.streams.append(ctx, inbox_stream_of(ctx), "inbox.added", {"id": str(key), "title": title, **data})
    if news.alert:
        facts = {"inbox_item_id": str(key), **data}
        message = Message(f"notifications.{news.kind.value}", title, news.body[:_LONGEST_BODY], facts)
        await announce(ctx, message, await configured_channels(ctx), source=str(key))
    return key


@operation("notifications.list", scope="admin")
async def list_(ctx: Ctx, command: ListNotifications) -> Page[Notification]:
    """List the alerts that were sent over channels, are being tried, failed or were skipped, newest first."""
    filters = {"state": command.state, "channel": command.channel, "event": command.event}
    return await Notifications(ctx).page(command, filters)


@operation("notifications.inbox", scope="workflows")
async def inbox(ctx: Ctx, command: ListInbox) -> Page[InboxItem]:
    """List the news in your inbox, newest first."""
    items = Inbox(ctx)
    columns = items.table.c
    conditions = items.mine()
    if command.unread:
        conditions.append(columns.read_at.is_(None))
    if command.kind is not None:
        conditions.append(columns.kind == command.kind)
    if command.level is not None:
        conditions.append(columns.level == command.level)
    return await items.page_where(command, conditions)


@operation("notifications.unread", scope="workflows")
async def unread(ctx: Ctx, command: Nothing) -> Unread:
    """Count what waits to be read in your inbox, up to a thousand."""
    number = await Inbox(ctx).unread()
    return Unread(unread=min(number, MOST_COUNTED), is_more=number > MOST_COUNTED)


@operation("notifications.mark_read", scope="workflows", effect=Effect.WRITE)
async def mark_read(ctx: Ctx, command: MarkRead) -> Unread:
    """Mark news in your inbox as read: some of it, or all up to a moment."""
    if bool(command.ids) == (command.before is not None):
        raise invalid("Name either 'ids' or 'before'.", field="ids", hint='{"before": "2026-01-15T12:00:00Z"}')
    if command.before is None:
        await Inbox(ctx).read(command.ids)
    else:
        await Inbox(ctx).read_until(command.before)
    return await _recounted(ctx)


@operation("notifications.dismiss", scope="workflows", effect=Effect.WRITE)
async def dismiss(ctx: Ctx, command: InboxItemRef) -> InboxItemId:
    """Remove a piece of news from your inbox."""
    await Inbox(ctx).dismiss(command.item_id)
    await _recounted(ctx)
    return command.item_id


@operation("notifications.inbox_stream", scope="workflows")
async def inbox_stream(ctx: Ctx, command: Nothing) -> str:
    """Name the event stream that tells of changes of your inbox."""
    return inbox_stream_of(ctx)


async def _recounted(ctx: Ctx) -> Unread:
    """The new count, told to whoever shows the old one."""
    count = await unread(ctx, Nothing())
    facts = {"user_id": None if ctx.actor.user_id is None else str(ctx.actor.user_id), **count.model_dump()}
    await ctx.runtime.streams.append(ctx, inbox_stream_of(ctx), "inbox.changed", facts)
    return count
