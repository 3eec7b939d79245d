"""Alerts: told over each channel, once; tried again when a channel fails; never about themselves; always on record."""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import UsageKind
from interlock.domains.governance.policies.events import PolicyAlerted
from interlock.domains.governance.policies.views import AlertChannel, PolicyId
from interlock.domains.notifications import delivery, subscribers
from interlock.domains.notifications import jobs as notification_jobs
from interlock.domains.notifications.delivery import NOTIFIER, DeliverNotification, deliver
from interlock.domains.notifications.models import notifications
from interlock.domains.notifications.states import NotificationState
from interlock.domains.notifications.views import NotificationId
from interlock.domains.tools.states import ToolStatus
from interlock.runtime.context import NO_WORKSPACE, ActorKind, Ctx
from interlock.sandbox import Fault, FaultKind, ProviderName
from tests.domains.notifications.desk import KEY, REFUND, SECRET, Desk
from tests.runtime.peer import Answer, Received, peer, reply
from tests.support.story import CHARGE

ON_ALERT = "notifications.on_policy_alerted"
ON_REQUEST = "notifications.on_approval_requested"
ON_SETTLED = "notifications.on_tool_call_settled"


def alerted(*channels: AlertChannel, caller: str = "a key", kind: ActorKind = ActorKind.KEY) -> PolicyAlerted:
    return PolicyAlerted(
        policy_id=PolicyId.new(),
        policy_name="watch",
        would="hold",
        detail="",
        tool="crm.create_contact",
        caller=caller,
        caller_kind=kind,
        run_id=None,
        channels=channels,
    )


async def test_a_policy_alert_reaches_slack_and_the_mailbox(desk: Desk) -> None:
    await desk.connect("slack", "gmail")
    await desk.alerts_to(slack_channel="#ops-alerts", email_to=["ann@example.com", "bo@example.com"])
    await desk.policy("alert", "crm.*", channels=("slack", "email"), name="<!channel>\r\nBcc: eve@example.com")
    assert (await desk.call()).status is ToolStatus.DONE
    notes = await desk.delivered(2)
    assert {(note["channel"], note["state"], note["attempts"]) for note in notes} == {
        ("slack", "sent", 1),
        ("email", "sent", 1),
    }
    assert all(note["call_id"] and note["settled_at"] and note["error"] is None for note in notes)
    (message,) = desk.messages()
    assert message.data["asked_channel"] == "#ops-alerts"
    assert "crm.create_contact" in message.data["text"]
    assert "<!channel>" not in message.data["text"]
    (mail,) = desk.sandbox.state.effects_of(ProviderName.GMAIL)
    assert mail.data["recipients"] == ["ann@example.com", "bo@example.com"]
    assert mail.data["subject"].startswith("[Interlock] Policy '<!channel> Bcc: eve@example.com' matched crm.")


async def test_channels_without_settings_are_skipped_by_name(desk: Desk) -> None:
    await desk.policy("alert", "crm.*", channels=("slack", "email", "webhook"))
    await desk.call()
    notes = await desk.delivered(3)
    assert {note["state"] for note in notes} == {"skipped"}
    assert {note["attempts"] for note in notes} == {0}
    for note, setting in (("slack", "slack_channel"), ("email", "email_to"), ("webhook", "webhook_url")):
        (skipped,) = await desk.notes(channel=note, state="skipped")
        assert f"'alerts.{setting}'" in skipped["error"]
    assert await desk.waiting() == 0


async def test_an_alert_about_the_alerts_own_call_is_not_told(desk: Desk) -> None:
    await desk.connect("slack")
    await desk.alerts_to(slack_channel="#ops-alerts")
    await desk.policy("alert", "**", channels=("slack",))
    await desk.call()
    # The second alert is the one about the notification's own message.
    await desk.performed.until(ON_ALERT, 2)
    (note,) = await desk.delivered()
    assert note["state"] == "sent"
    assert await desk.waiting() == 0
    assert len(desk.messages()) == 1


async def test_bearing_the_notifiers_name_does_not_silence_alerts(desk: Desk) -> None:
    ctx = await desk.outbox()
    await subscribers.on_policy_alerted(ctx, alerted(AlertChannel.SLACK, caller=NOTIFIER.label))
    assert len(await desk.notes()) == 1
    await subscribers.on_policy_alerted(ctx, alerted(AlertChannel.EMAIL, caller=NOTIFIER.label, kind=NOTIFIER.kind))
    assert len(await desk.notes()) == 1


async def test_news_brought_again_is_told_once(desk: Desk) -> None:
    await desk.connect("slack")
    await desk.alerts_to(slack_channel="#ops-alerts")
    ctx, event = await desk.outbox(), alerted(AlertChannel.SLACK)
    await asyncio.gather(*(subscribers.on_policy_alerted(ctx, event) for _ in range(3)))
    (note,) = await desk.delivered()
    assert await desk.waiting() == 0
    await subscribers.on_policy_alerted(ctx, event)
    assert await desk.waiting() == 0
    # A server that stopped between the message and its record delivers again: the stored outcome answers.
    async with ctx.begin() as unit:
        again = update(notifications).values(state=NotificationState.WAITING, attempts=0)
        await (await unit.session()).execute(again)
    payload = DeliverNotification(notification_id=NotificationId.parse(note["id"]))
    await deliver(ctx, payload)
    await deliver(ctx, payload)
    assert [(each["state"], each["attempts"]) for each in await desk.notes()] == [("sent", 1)]
    assert len(desk.messages()) == 1


async def test_a_provider_that_fails_is_tried_until_it_is_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (timedelta(hours=1),) * 3)
    await desk.alerts_to(slack_channel="#ops-alerts")
    await desk.policy("alert", "crm.*", channels=("slack",))
    assert (await desk.call()).status is ToolStatus.DONE
    (note,) = await desk.delivered(1)
    assert (note["state"], note["attempts"], note["settled_at"]) == ("retrying", 1, None)
    assert "slack is not connected" in note["error"]
    await desk.connect("slack")
    desk.sandbox.state.faults.add(Fault(provider=ProviderName.SLACK, kind=FaultKind.SERVER_ERROR))
    await desk.hurry()
    (note,) = await desk.delivered(2)
    assert (note["state"], note["attempts"]) == ("retrying", 2)
    # The first job, brought again, makes no attempt of its own.
    await deliver(await desk.outbox(), DeliverNotification(notification_id=NotificationId.parse(note["id"])))
    assert await desk.notes() == [note]
    assert await desk.waiting() == 1
    await desk.hurry()
    (note,) = await desk.delivered(3)
    assert (note["state"], note["attempts"], note["error"]) == ("sent", 3, None)
    assert len(desk.messages()) == 1
    assert await desk.waiting() == 0


async def test_after_the_last_attempt_it_is_given_up(desk: Desk) -> None:
    await desk.alerts_to(slack_channel="#ops-alerts")
    await subscribers.on_policy_alerted(await desk.outbox(), alerted(AlertChannel.SLACK))
    attempts = len(delivery.PAUSES) + 1
    (note,) = await desk.delivered(attempts)
    assert (note["state"], note["attempts"]) == ("failed", attempts)
    assert await desk.waiting() == 0


async def test_a_policy_that_blocks_the_message_ends_it(desk: Desk) -> None:
    await desk.connect("slack")
    await desk.alerts_to(slack_channel="#ops-alerts")
    await desk.policy("block", "comms.*", name="no messages")
    await subscribers.on_policy_alerted(await desk.outbox(), alerted(AlertChannel.SLACK))
    (note,) = await desk.delivered()
    assert (note["state"], note["attempts"]) == ("failed", 1)
    assert "no messages" in note["error"]
    assert desk.messages() == []


@pytest.mark.parametrize(("decision", "state"), [("approve", "sent"), ("reject", "failed")])
async def test_a_held_message_is_not_asked_about_in_another_message(desk: Desk, decision: str, state: str) -> None:
    await desk.connect("slack")
    await desk.alerts_to(slack_channel="#ops-alerts")
    await desk.policy("pause", "comms.*")
    assert (await desk.call(REFUND, charge_id=CHARGE)).status is ToolStatus.ACTION_REQUIRED
    await desk.performed.until(ON_REQUEST, 2)  # the refund's, and the message's own
    (note,) = await desk.delivered()
    assert (note["state"], note["event"]) == ("held", "governance.approval_requested")
    (own,) = (await desk.server.get("/api/v1/approvals", tool="comms.send_slack_message")).json()
    await desk.server.post(f"/api/v1/approvals/{own['id']}/{decision}")
    await desk.performed.until(ON_SETTLED, 1)
    (note,) = await desk.notes()
    assert (note["state"], note["attempts"]) == (state, 1)
    assert len(desk.messages()) == (1 if state == "sent" else 0)


async def test_an_approval_request_is_told_where_something_is_configured(desk: Desk) -> None:
    await desk.call(REFUND, charge_id=CHARGE)
    await desk.performed.until(ON_REQUEST, 1)
    assert await desk.notes() == []
    await desk.connect("slack")
    await desk.alerts_to(slack_channel="#refunds")
    await desk.call(REFUND, charge_id=CHARGE, amount_cents=500)
    (note,) = await desk.delivered()
    assert (note["channel"], note["state"]) == ("slack", "sent")
    approvals = (await desk.server.get("/api/v1/approvals", status="pending")).json()
    assert approvals[0]["id"] in desk.messages()[0].data["text"]


async def test_news_of_a_used_up_budget_gets_out(desk: Desk) -> None:
    await desk.connect("slack")
    await desk.alerts_to(slack_channel="#ops-alerts")
    alert = {"threshold_percent": 100, "channels": ["slack"]}
    await desk.server.patch("/api/v1/budget", {"monthly_cap": 2, "alerts": [alert]})
    async with (await desk.server.ctx()).begin() as unit:
        await budgets.settle(unit, budgets.Settle(kind=UsageKind.TOOL, cost=Decimal(2), reference="a tool"))
    (note,) = await desk.delivered()
    assert (note["state"], note["title"]) == ("sent", "100% of the monthly budget is spent")
    assert "$2.00 of $2.00" in desk.messages()[0].data["text"]
    refused = await desk.call()
    assert (refused.status, refused.reason) == (ToolStatus.DENIED, "budget_exhausted")


async def test_a_webhook_call_is_signed_and_keeps_its_id_when_it_is_repeated(desk: Desk) -> None:
    answers = [reply(status="500 Internal Server Error"), reply(status="307 Temporary Redirect"), reply()]
    async with peer(_in_turn(answers)) as receiver:
        await desk.alerts_to(webhook_url=receiver.url("/hook"), webhook_secret=SECRET)
        await desk.policy("alert", "crm.*", channels=("webhook",))
        await desk.call()
        (note,) = await desk.delivered(3)
    assert (note["state"], note["attempts"]) == ("sent", 3)
    assert {request.headers["webhook-id"] for request in receiver.requests} == {note["id"]}
    for request in receiver.requests:
        assert (request.method, request.path) == ("POST", "/hook")
        stamp = request.headers["webhook-timestamp"]
        assert abs(datetime.now(UTC) - datetime.fromtimestamp(int(stamp), UTC)) < timedelta(minutes=5)
        signed = f"{note['id']}.{stamp}.".encode() + request.body
        expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert request.headers["webhook-signature"] == f"v1,{expected}"
    body = json.loads(receiver.requests[-1].body)
    assert body["type"] == "governance.policy_alerted"
    assert body["data"]["tool"] == "crm.create_contact"
    assert body["data"]["policy_name"] == "watch"


async def test_a_webhook_may_not_lead_into_the_private_network(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (timedelta(hours=1),) * 3)
    await desk.alerts_to(webhook_url="http://10.0.0.1/latest", webhook_secret=SECRET)
    await subscribers.on_policy_alerted(await desk.outbox(), alerted(AlertChannel.WEBHOOK))
    (note,) = await desk.delivered()
    assert (note["state"], note["attempts"]) == ("retrying", 1)
    assert "10.0.0.1" in note["error"]


async def test_notifications_stay_in_their_workspace_and_end_with_its_logs(desk: Desk) -> None:
    ctx = await desk.outbox()
    await subscribers.on_policy_alerted(ctx, alerted(AlertChannel.SLACK))
    await desk.delivered()
    other = await desk.server.another_workspace()
    assert (await desk.server.get("/api/v1/notifications", key=other)).json() == []
    async with ctx.begin() as unit:
        statement = update(notifications).values(created_at=ctx.now - timedelta(days=31))
        await (await unit.session()).execute(statement)
    await subscribers.on_policy_alerted(await desk.outbox(), alerted(AlertChannel.EMAIL))
    await desk.delivered(2)
    await notification_jobs.purge(_of_no_workspace(ctx))
    assert [note["channel"] for note in await desk.notes()] == ["email"]


def _of_no_workspace(ctx: Ctx) -> Ctx:
    return replace(ctx, workspace_id=NO_WORKSPACE)


def _in_turn(answers: list[Answer]) -> Answer:
    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(request, writer)

    return answer
