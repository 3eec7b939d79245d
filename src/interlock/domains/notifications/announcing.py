"""How news leaves for the workspace's channels: one notification and one job for each, in the caller's unit of work."""

from collections.abc import Iterable
from enum import StrEnum

from interlock.domains.notifications.delivery import DELIVER, DeliverNotification
from interlock.domains.notifications.messages import Message
from interlock.domains.notifications.repository import Notifications
from interlock.domains.notifications.states import Channel, NotificationState
from interlock.domains.notifications.views import NotificationId
from interlock.domains.settings import service as settings
from interlock.runtime.context import Ctx


async def configured_channels(ctx: Ctx) -> list[Channel]:
    """The channels for which the workspace has said where."""
    targets = await settings.alert_targets(ctx)
    places = {
        Channel.SLACK: targets.slack_channel,
        Channel.EMAIL: targets.email_to,
        Channel.WEBHOOK: targets.webhook_url,
    }
    return [channel for channel, place in places.items() if place]


async def announce(ctx: Ctx, message: Message, channels: Iterable[StrEnum], *, source: str) -> None:
    """Have the channels told; the same news brought again adds nothing.

    Args:
        source: what brought the news, the same when it is brought again.
    """
    for channel in sorted({Channel(channel.value) for channel in channels}):
        key = NotificationId.new()
        fresh = await Notifications(ctx).put(
            key,
            source=source,
            event=message.event,
            channel=channel,
            state=NotificationState.WAITING,
            title=message.title,
            text=message.text,
            data=message.data,
            error=None,
            attempts=0,
            call_id=None,
            created_at=ctx.now,
            settled_at=None,
        )
        if fresh:
            await ctx.runtime.jobs.enqueue(ctx, DELIVER, DeliverNotification(notification_id=key))
