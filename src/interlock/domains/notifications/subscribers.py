"""What the notifications domain does on news: note what is to be told, and have it delivered."""

from collections.abc import Iterable
from enum import StrEnum

from interlock.domains.governance.approvals.events import ApprovalRequested
from interlock.domains.governance.budgets.events import BudgetAlertFired
from interlock.domains.governance.policies.events import PolicyAlerted
from interlock.domains.notifications import messages
from interlock.domains.notifications.announcing import announce, configured_channels
from interlock.domains.notifications.delivery import NOTIFIER, conclude_held
from interlock.domains.notifications.messages import Message
from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from interlock.domains.tools.events import ToolCallSettled
from interlock.runtime.context import Ctx


async def on_policy_alerted(ctx: Ctx, event: PolicyAlerted) -> None:
    """Tell the policy's channels; not of a notification's own call, or each would bring forth the next."""
    if _is_ours(event):
        return
    message = messages.of_policy_alert(event)
    news = _news(ctx, NotificationKind.POLICY_ALERT, message, subject_kind="policy", subject_id=str(event.policy_id))
    await _tell(ctx, message, event.channels, news)


async def on_budget_alert_fired(ctx: Ctx, event: BudgetAlertFired) -> None:
    """Tell the budget alert's channels."""
    message = messages.of_budget_alert(event)
    news = _news(ctx, NotificationKind.BUDGET_ALERT, message, subject_kind="budget", subject_id=event.month)
    await _tell(ctx, message, event.channels, news)


async def on_approval_requested(ctx: Ctx, event: ApprovalRequested) -> None:
    """Tell every configured channel; not of a held notification, whose own call would be held in turn."""
    message = messages.of_approval_request(event)
    kind, subject = NotificationKind.APPROVAL_REQUESTED, str(event.approval_id)
    news = _news(ctx, kind, message, subject_kind="approval", subject_id=subject)
    async with ctx.begin(write=False) as reading:
        channels = [] if _is_ours(event) else await configured_channels(reading)
    await _tell(ctx, message, channels, news)


async def on_tool_call_settled(ctx: Ctx, event: ToolCallSettled) -> None:
    """Note what became of a notification that a person had to agree to."""
    async with ctx.begin() as unit:
        await conclude_held(unit, event.call_id)


def _is_ours(event: PolicyAlerted | ApprovalRequested) -> bool:
    """Whether the call in question carried a notification; both facts are needed, as anybody may bear our name."""
    return event.caller_kind is NOTIFIER.kind and event.caller == NOTIFIER.label


def _news(ctx: Ctx, kind: NotificationKind, message: Message, *, subject_kind: str, subject_id: str) -> NewNotification:
    """The inbox's form of a message that asks for attention."""
    return NewNotification(
        kind=kind,
        title=message.title,
        body=message.text,
        level=NotificationLevel.WARNING,
        subject_kind=subject_kind,
        subject_id=subject_id,
        source=ctx.request_id,
    )


async def _tell(ctx: Ctx, message: Message, channels: Iterable[StrEnum], news: NewNotification) -> None:
    """Inbox and channels; the same news brought again adds nothing."""
    async with ctx.begin() as unit:
        await notify(unit, news)
        await announce(unit, message, channels, source=ctx.request_id)
