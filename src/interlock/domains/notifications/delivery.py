"""One attempt to deliver one notification: outside any unit of work, then what became of it in one.

Each attempt has a key of its own, derived from the notification: an attempt that is made again after a crash finds its
stored outcome, while the attempt after a failed one is a new call. Where nobody knows whether a failed attempt arrived,
the next may tell a person twice; that is better than never.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import orjson
from pydantic import BaseModel

from interlock.domains.notifications.messages import for_slack
from interlock.domains.notifications.repository import Notifications
from interlock.domains.notifications.states import Channel, NotificationState
from interlock.domains.notifications.views import Notification, NotificationId
from interlock.domains.settings import service as settings
from interlock.domains.settings.views import AlertTargets
from interlock.domains.tools import service as tools
from interlock.domains.tools.errors import CALL_IN_PROGRESS
from interlock.domains.tools.states import ToolStatus
from interlock.domains.tools.views import ToolCallId, ToolOutcome
from interlock.kit.clock import iso_seconds
from interlock.kit.errors import InterlockError
from interlock.kit.signatures import standard_headers, standard_key
from interlock.runtime.context import ALL_SCOPES, Actor, ActorKind, Ctx
from interlock.runtime.invoke import invoke

DELIVER = "notifications.deliver"
# Seconds at first, as a hiccup needs; more than a day in all, as an outage over night does.
PAUSES = tuple(timedelta(seconds=pause) for pause in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200))
NOTIFIER = Actor(ActorKind.SYSTEM, label="interlock notifications")
_SLACK_TOOL = "comms.send_slack_message"
_EMAIL_TOOL = "comms.send_email"
_WEBHOOK_SECONDS = 15.0
_OPEN = frozenset({NotificationState.WAITING, NotificationState.RETRYING})
_LONGEST_ERROR = 2_000


class DeliverNotification(BaseModel):
    """Which notification, and which attempt: a job that is brought again makes none of its own."""

    notification_id: NotificationId
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended."""

    state: NotificationState
    error: str | None = None
    call_id: ToolCallId | None = None


Sender = Callable[[Ctx, Notification, AlertTargets], Awaitable[Ending]]


async def deliver(ctx: Ctx, payload: DeliverNotification) -> None:
    """Make the next attempt to deliver a notification; one that fails leaves its record together with the next job."""
    async with ctx.begin(write=False) as reading:
        notification = await Notifications(reading).find(payload.notification_id)
        targets = await settings.alert_targets(reading)
    if notification is None or notification.state not in _OPEN or notification.attempts + 1 != payload.attempt:
        return
    ending = await _SENDERS[notification.channel](ctx, notification, targets)
    async with ctx.begin() as unit:
        await _record(unit, notification, ending)


async def conclude_held(ctx: Ctx, call_id: ToolCallId) -> None:
    """Note what became of a notification whose call was held; nothing happens for any other call."""
    await _lock(ctx, call_id)
    held = await Notifications(ctx).held_by(call_id)
    if held is None:
        return
    outcome = await tools.get_outcome(ctx, tools.CallRef(call_id=call_id))
    ending = _ending(outcome, NotificationState.FAILED)
    if ending.state is not NotificationState.HELD:
        await _settle(ctx, held, ending)


async def _record(ctx: Ctx, seen: Notification, ending: Ending) -> None:
    if ending.state is NotificationState.HELD and ending.call_id is not None:
        # The decision may have come before this record: whoever is second sees the other.
        await _lock(ctx, ending.call_id)
        outcome = await tools.get_outcome(ctx, tools.CallRef(call_id=ending.call_id))
        ending = _ending(outcome, NotificationState.FAILED)
    if ending.state is NotificationState.RETRYING:
        if seen.attempts < len(PAUSES):
            again = DeliverNotification(notification_id=seen.id, attempt=seen.attempts + 2)
            await ctx.runtime.jobs.enqueue(ctx, DELIVER, again, at=ctx.now + PAUSES[seen.attempts])
        else:
            ending = replace(ending, state=NotificationState.FAILED)
    await _settle(ctx, seen, ending)


async def _settle(ctx: Ctx, seen: Notification, ending: Ending) -> None:
    tried = ending.state is not NotificationState.SKIPPED and seen.state in _OPEN
    final = ending.state in {NotificationState.SENT, NotificationState.FAILED, NotificationState.SKIPPED}
    await Notifications(ctx).move(
        seen,
        ending.state,
        error=None if ending.error is None else ending.error[:_LONGEST_ERROR],
        attempts=seen.attempts + tried,
        call_id=ending.call_id or seen.call_id,
        settled_at=ctx.now if final else None,
    )


async def _lock(ctx: Ctx, call_id: ToolCallId) -> None:
    await (await ctx.session()).lock(f"notifications:{call_id}")


async def _to_slack(ctx: Ctx, notification: Notification, targets: AlertTargets) -> Ending:
    if targets.slack_channel is None:
        return _skipped("alerts.slack_channel")
    text = for_slack(notification.title, notification.text)
    return await _by_tool(ctx, notification, _SLACK_TOOL, {"channel": targets.slack_channel, "text": text})


async def _to_mailbox(ctx: Ctx, notification: Notification, targets: AlertTargets) -> Ending:
    if not targets.email_to:
        return _skipped("alerts.email_to")
    arguments = {
        "to": ", ".join(targets.email_to),
        "subject": f"[Interlock] {notification.title}",
        "body": notification.text,
    }
    return await _by_tool(ctx, notification, _EMAIL_TOOL, arguments)


async def _by_tool(ctx: Ctx, notification: Notification, tool: str, arguments: dict[str, Any]) -> Ending:
    """Through the same five stages as any other call: judged, and on record in the ledger."""
    key = f"{notification.id}:{notification.attempts + 1}"
    command = tools.CallTool(tool=tool, arguments=arguments, idempotency_key=key)
    try:
        outcome = await invoke(ctx.acting_as(NOTIFIER, ALL_SCOPES), tools.call, command)
    except InterlockError as error:
        if error.code == CALL_IN_PROGRESS:
            raise
        return Ending(NotificationState.RETRYING, error.message)
    return _ending(outcome, NotificationState.RETRYING)


def _ending(outcome: ToolOutcome, failed: NotificationState) -> Ending:
    """What a call's outcome means; a denial stands, because trying again would only repeat it."""
    states = {
        ToolStatus.DONE: NotificationState.SENT,
        ToolStatus.FAILED: failed,
        ToolStatus.DENIED: NotificationState.FAILED,
        ToolStatus.ACTION_REQUIRED: NotificationState.HELD,
    }
    return Ending(states[outcome.status], outcome.reason, outcome.call_id)


async def _to_webhook(ctx: Ctx, notification: Notification, targets: AlertTargets) -> Ending:
    if targets.webhook_url is None or targets.webhook_secret is None:
        return _skipped("alerts.webhook_url")
    body = orjson.dumps(
        {
            "type": notification.event,
            "timestamp": iso_seconds(notification.created_at),
            "data": {**notification.data, "title": notification.title, "text": notification.text},
        }
    )
    signed = standard_headers(str(notification.id), ctx.now, body, [standard_key(targets.webhook_secret)])
    try:
        reply = await ctx.runtime.http.request(
            "POST", targets.webhook_url, headers=signed, content=body, timeout=_WEBHOOK_SECONDS
        )
    except InterlockError as error:
        return Ending(NotificationState.RETRYING, error.message)
    if not reply.ok:
        return Ending(NotificationState.RETRYING, f"The webhook answered with status {reply.status}.")
    return Ending(NotificationState.SENT)


def _skipped(setting: str) -> Ending:
    return Ending(NotificationState.SKIPPED, f"The channel is not configured: set '{setting}' in the settings.")


_SENDERS: Mapping[Channel, Sender] = MappingProxyType(
    {Channel.SLACK: _to_slack, Channel.EMAIL: _to_mailbox, Channel.WEBHOOK: _to_webhook}
)
