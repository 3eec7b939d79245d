"""What the notifications domain does on news: note what is to be told, and have it delivered."""

from collections.abc import Iterable
from enum import StrEnum

from interlock.domains.governance.approvals.events import ApprovalRequested
from interlock.domains.governance.budgets.events import BudgetAlertFired
from interlock.domains.governance.policies.events import PolicyAlerted
from interlock.domains.notifications import messages
from interlock.domains.notifications.delivery import DELIVER, NOTIFIER, DeliverNotification, conclude_held
from interlock.domains.notifications.messages import Message
from interlock.domains.notifications.repository import Notifications
from interlock.domains.notifications.states import Channel, NotificationState
from interlock.domains.notifications.views import NotificationId
from interlock.domains.settings import service as settings
from interlock.domains.tools.events import ToolCallSettled
from interlock.runtime.context import Ctx


async def on_policy_alerted(ctx: Ctx, event: PolicyAlerted) -> None:
    """Tell the policy's channels; not of a notification's own call, or each would bring forth the next."""
    if not _is_ours(event):
        await _notify(ctx, messages.of_policy_alert(event), event.channels)


async def on_budget_alert_fired(ctx: Ctx, event: BudgetAlertFired) -> None:
    """Tell the budget alert's channels."""
    await _notify(ctx, messages.of_budget_alert(event), event.channels)


async def on_approval_requested(ctx: Ctx, event: ApprovalRequested) -> None:
    """Tell every configured channel; not of a held notification, whose own call would be held in turn."""
    if _is_ours(event):
        return
    async with ctx.begin(write=False) as reading:
        targets = await settings.alert_targets(reading)
    configured = {
        Channel.SLACK: targets.slack_channel,
        Channel.EMAIL: targets.email_to,
        Channel.WEBHOOK: targets.webhook_url,
    }
    await _notify(ctx, messages.of_approval_request(event), [channel for channel, where in configured.items() if where])


async def on_tool_call_settled(ctx: Ctx, event: ToolCallSettled) -> None:
    """Note what became of a notification that a person had to agree to."""
    async with ctx.begin() as unit:
        await conclude_held(unit, event.call_id)


def _is_ours(event: PolicyAlerted | ApprovalRequested) -> bool:
    """Whether the call in question carried a notification; both facts are needed, as anybody may bear our name."""
    return event.caller_kind is NOTIFIER.kind and event.caller == NOTIFIER.label


async def _notify(ctx: Ctx, message: Message, channels: Iterable[StrEnum]) -> None:
    """One notification and one job for each channel; the same news brought again adds neither."""
    named = sorted({Channel(channel.value) for channel in channels})
    if not named:
        return
    async with ctx.begin() as unit:
        for channel in named:
            key = NotificationId.new()
            fresh = await Notifications(unit).put(
                key,
                source=ctx.request_id,
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
                await ctx.runtime.jobs.enqueue(unit, DELIVER, DeliverNotification(notification_id=key))
