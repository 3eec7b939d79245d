"""Operations on notifications."""

from typing import Annotated

from pydantic import Field

from interlock.domains.notifications.repository import Notifications
from interlock.domains.notifications.states import Channel, NotificationState
from interlock.domains.notifications.views import Notification
from interlock.kit.operations import operation
from interlock.kit.paging import Page, PageQuery
from interlock.runtime.context import Ctx


class ListNotifications(PageQuery):
    """Which notifications, and which page of them."""

    state: NotificationState | None = None
    channel: Channel | None = None
    event: Annotated[str, Field(max_length=80)] | None = None


@operation("notifications.list", scope="admin")
async def list_(ctx: Ctx, command: ListNotifications) -> Page[Notification]:
    """List the alerts that were sent, are being tried, failed or were skipped, newest first."""
    filters = {"state": command.state, "channel": command.channel, "event": command.event}
    return await Notifications(ctx).page(command, filters)
