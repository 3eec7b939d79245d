"""Deliveries: at least once under one id, later each time, given up at last, never in anybody's way."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from interlock.domains.conversations import events as conversations
from interlock.domains.forms import events as forms
from interlock.domains.governance.approvals import events as approvals
from interlock.domains.governance.budgets.events import BudgetAlertFired
from interlock.domains.governance.policies import events as policies
from interlock.domains.runs.events import RunEnded
from interlock.domains.runs.states import RunStatus
from interlock.domains.schedules import events as schedules
from interlock.domains.webhooks import courier, sending, subscribers
from interlock.domains.webhooks.catalogue import CATALOGUE, PING, PingNews
from interlock.domains.webhooks.courier import courier_of
from interlock.domains.webhooks.jobs import purge
from interlock.domains.webhooks.models import webhook_deliveries
from interlock.domains.webhooks.news import note
from interlock.domains.webhooks.sending import MOST_ATTEMPTS, PAUSES, Outcome, pause_after
from interlock.domains.webhooks.states import DeliveryState
from interlock.domains.webhooks.subscriptions import MOST_DEAD_IN_A_ROW
from interlock.domains.webhooks.views import DeliveryId, SubscriptionId
from interlock.kit.ids import RunId
from interlock.runtime.context import NO_WORKSPACE, Ctx
from interlock.runtime.events import Event
from interlock.runtime.jobs import job_rows
from tests.domains.webhooks.post import Post, in_turn, json_of, standard_ok
from tests.runtime.peer import Received, peer, reply, silence

FAILS = reply(b"no " * 1_000, "500 Internal Server Error")
LONGEST = {index: pause * 1.2 for index, pause in enumerate(PAUSES)}


async def budget_alert(post: Post) -> None:
    """Have a budget alert fire."""
    async with (await post.server.ctx()).begin() as unit:
        await unit.emit(
            BudgetAlertFired(
                month="2026-11", threshold_percent=80, channels=(), monthly_spent=Decimal(2), monthly_cap=Decimal(2)
            )
        )


async def test_an_event_is_told_to_those_who_listen(post: Post) -> None:
    async with peer(reply(b"thanks", "202 Accepted")) as receiver, peer(reply()) as another:
        told = await post.subscribe(receiver.url(), "budget.*", "run.*")
        await post.subscribe(another.url(), "run.*", "approval.*")
        await budget_alert(post)
        await post.until(1)
    (request,) = receiver.requests
    assert another.requests == []
    body = json.loads(request.body)
    assert body["type"] == "budget.alert"
    assert body["data"] == {"month": "2026-11", "threshold_percent": 80, "monthly_spent": "2", "monthly_cap": "2"}
    (delivery,) = await post.deliveries(event="budget.alert", subscription_id=told["id"], state="delivered")
    (attempt,) = (await post.delivery(delivery))["log"]
    assert (attempt["status"], attempt["error"], attempt["response"]) == (202, None, "thanks")
    assert await post.deliveries(state="pending") == []


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("conversation.started", conversations.ConversationStarted),
        ("form.submitted", forms.FormSubmitted),
        ("schedule.fired", schedules.ScheduleFired),
        ("schedule.failed", schedules.ScheduleFailed),
        ("approval.decided", approvals.ApprovalDecided),
        ("approval.requested", approvals.ApprovalRequested),
        ("policy.alerted", policies.PolicyAlerted),
    ],
)
def test_a_domain_event_has_all_that_its_public_form_tells(name: str, event: type[Event]) -> None:
    assert set(CATALOGUE[name][1].model_fields) <= set(event.model_fields)


async def test_where_nobody_listens_an_event_costs_nothing(post: Post) -> None:
    await post.subscribe("https://example.com/in", "run.completed")
    paused = await post.subscribe("https://example.com/in", "budget.alert")
    await post.server.patch(f"/api/v1/webhooks/{paused['id']}", {"status": "paused"})
    before = await webhook_jobs(post)
    await budget_alert(post)
    assert await webhook_jobs(post) == before
    assert await post.deliveries() == []


async def webhook_jobs(post: Post) -> int:
    async with (await post.server.ctx()).begin(write=False) as ctx:
        wanted = select(func.count()).where(job_rows.c.handler.like("webhooks.tell%"))
        number: int = (await (await ctx.session()).execute(wanted)).scalar_one()
        return number


async def test_news_brought_again_is_told_once(post: Post) -> None:
    async with peer(reply()) as receiver:
        await post.subscribe(receiver.url(), "run.failed")
        ctx, event = await post.outbox(), RunEnded(run_id=RunId.new(), status=RunStatus.FAILED)
        await asyncio.gather(*(subscribers.on_run_ended(ctx, event) for _ in range(3)))
        await subscribers.on_run_ended(ctx, RunEnded(run_id=RunId.new(), status=RunStatus.COMPLETED))
        await post.until(1)
        await subscribers.on_run_ended(ctx, event)
    (request,) = receiver.requests
    assert (
        json.loads(request.body)["data"] | {"run_id": str(event.run_id), "status": "failed"}
        == json.loads(request.body)["data"]
    )
    assert len(await post.deliveries()) == 1


async def test_a_failing_receiver_is_tried_later_each_time_and_given_up(post: Post) -> None:
    async with peer(FAILS) as receiver:
        subscription = await post.subscribe(receiver.url())
        delivery = await post.ping(subscription)
        for made, pause in enumerate(PAUSES, 1):
            await post.until(made)
            told = await post.delivery(delivery)
            assert (told["state"], told["attempts"], told["last_status"]) == ("pending", made, 500)
            await not_before(post, pause - timedelta(seconds=1), made)
            post.later(pause * 0.2 + timedelta(seconds=2))
        await post.until(MOST_ATTEMPTS)
        told = await post.delivery(delivery)
        assert (told["state"], told["attempts"], told["next_attempt_at"]) == ("dead", MOST_ATTEMPTS, None)
        assert told["settled_at"]
        assert [entry["status"] for entry in told["log"]] == [500] * MOST_ATTEMPTS
        assert len(told["log"][0]["response"]) == 1_024
        assert (await post.state_of(subscription))["dead_in_a_row"] == 1
        await not_before(post, timedelta(days=3), MOST_ATTEMPTS)
    assert {request.headers["webhook-id"] for request in receiver.requests} == {delivery["id"]}
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == MOST_ATTEMPTS
    assert len({request.body for request in receiver.requests}) == 1
    assert all(standard_ok(request, subscription["secret"]) for request in receiver.requests)


async def not_before(post: Post, by: timedelta, made: int) -> None:
    """Move the clock, have the courier look, and see that it made no attempt."""
    post.clock.advance(by)
    runtime = post.server.runtime
    root = replace(await post.outbox(), workspace_id=NO_WORKSPACE)
    await courier_of(runtime)._claim(root)
    assert (post.attempts, len(courier_of(runtime)._running)) == (made, 0)


@given(st.integers(1, len(PAUSES)), st.none() | st.integers(0, 200_000), st.sampled_from([None, 429, 500, 503]))
def test_pauses_grow_spread_and_respect_what_the_receiver_asks(
    made: int, asked: int | None, status: int | None
) -> None:
    retry_after = None if asked is None else timedelta(seconds=asked)
    pause = pause_after(made, Outcome(status=status, error="no", retry_after=retry_after))
    least = PAUSES[made - 1]
    if status in {429, 503} and retry_after is not None:
        least = max(least, min(retry_after, timedelta(hours=24)))
    assert least <= pause <= max(PAUSES[made - 1] * 1.2, least)


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_receiver_that_asks_for_time_gets_it(post: Post, as_date: bool) -> None:
    wanted = timedelta(hours=1)
    moment = format_datetime(post.clock.now() + wanted, usegmt=True)
    header = f"retry-after: {moment if as_date else '3600'}"
    async with peer(in_turn(reply(b"", "429 Too Many Requests", header), reply())) as receiver:
        delivery = await post.ping(await post.subscribe(receiver.url()))
        await post.until(1)
        await not_before(post, wanted - timedelta(seconds=2), 1)
        post.later(timedelta(seconds=3))
        await post.until(2)
        assert (await post.delivery(delivery))["state"] == "delivered"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/", "redirects are not followed"),
        ("404 Not Found", "status 404"),
        ("304 Not Modified", "status 304"),
    ],
)
async def test_only_a_2xx_of_the_very_address_counts(post: Post, status: str, words: str) -> None:
    async with peer(reply(b"", status)) as receiver:
        delivery = await post.ping(await post.subscribe(receiver.url()))
        await post.until(1)
    told = await post.delivery(delivery)
    assert (told["state"], told["attempts"]) == ("pending", 1)
    assert words in told["last_error"]
    assert len(receiver.requests) == 1


async def test_an_endless_reply_is_cut_and_counts_by_its_status(post: Post) -> None:
    async def endless(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        while True:
            writer.write(b"\x00\xff" * 10_000)
            await writer.drain()

    async with peer(endless) as receiver:
        delivery = await post.ping(await post.subscribe(receiver.url()))
        await post.until(1)
    told = await post.delivery(delivery)
    assert told["state"] == "delivered"
    assert len(told["log"][0]["response"]) == 1_024


async def test_private_addresses_stay_closed_behind_a_name(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(_host: str) -> list[str]:
        return ["10.1.2.3"]

    monkeypatch.setattr(post.server.runtime.http, "_resolve", resolve)
    delivery = await post.ping(await post.subscribe("https://inside.example/in"))
    await post.until(1)
    told = await post.delivery(delivery)
    assert (told["state"], told["last_status"]) == ("pending", None)
    assert "inside.example" in told["last_error"]


async def test_a_slow_receiver_holds_up_nobody_else(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 600.0)
    async with peer(silence) as slow, peer(reply()) as quick:
        stuck = await post.subscribe(slow.url())
        for _ in range(30):
            await post.ping(stuck)
        brisk = await post.subscribe(quick.url())
        for _ in range(10):
            await post.ping(brisk)
        await post.until(10)
        assert len(await post.deliveries(subscription_id=brisk["id"], state="delivered")) == 10
        running = courier_of(post.server.runtime)._running
        assert len(running) <= courier.PER_SUBSCRIPTION
        assert len(await post.deliveries(subscription_id=stuck["id"], state="pending")) == 30
        assert slow.connections <= courier.PER_SUBSCRIPTION
        for task in list(running.values()):
            task.cancel()


async def test_a_call_without_an_answer_ends_and_is_made_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    async with peer(silence) as receiver:
        delivery = await post.ping(await post.subscribe(receiver.url()))
        await post.until(1)
    told = await post.delivery(delivery)
    assert (told["state"], told["last_status"]) == ("pending", None)
    assert "in time" in told["last_error"]


async def test_a_crash_before_the_record_repeats_the_call_under_its_id(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, crashes = sending.record, [True]

    async def dies_once(*arguments: Any) -> None:
        if crashes:
            crashes.pop()
            raise RuntimeError("the server died")
        await record(*arguments)

    monkeypatch.setattr(sending, "record", dies_once)
    async with peer(reply()) as receiver:
        delivery = await post.ping(await post.subscribe(receiver.url()))
        await post.until(1)
        assert (await post.delivery(delivery))["attempts"] == 0
        post.later(courier._LEASE + timedelta(seconds=1))
        await post.until(2)
    assert {request.headers["webhook-id"] for request in receiver.requests} == {delivery["id"]}
    assert len(receiver.requests) == 2
    told = await post.delivery(delivery)
    assert (told["state"], told["attempts"]) == ("delivered", 1)


async def test_one_more_attempt_by_hand(post: Post) -> None:
    async with peer(in_turn(FAILS, FAILS, reply())) as receiver:
        subscription = await post.subscribe(receiver.url())
        delivery = await post.ping(subscription)
        await post.until(1)
        retry = f"/api/v1/webhooks/deliveries/{delivery['id']}/retry"
        json_of(await post.server.post(retry))  # before its time
        await post.until(2)
        await given_up(await post.outbox())
        assert (await post.delivery(delivery))["state"] == "dead"
        json_of(await post.server.post(retry))
        await post.until(3)
        told = await post.delivery(delivery)
        assert (told["state"], told["attempts"], told["last_error"]) == ("delivered", 3, None)
        json_of(await post.server.post(retry))  # the receiver lost it
        await post.until(4)
        assert (await post.delivery(delivery))["attempts"] == 4
        await post.server.patch(f"/api/v1/webhooks/{subscription['id']}", {"status": "paused"})
        for path in (retry, f"/api/v1/webhooks/{subscription['id']}/ping"):
            answer = await post.server.post(path)
            assert (answer.status_code, answer.json()["error"]["details"]["status"]) == (409, "paused")
        await post.server.delete(f"/api/v1/webhooks/{subscription['id']}")
        assert (await post.server.post(retry)).status_code == 409
    assert {request.headers["webhook-id"] for request in receiver.requests} == {delivery["id"]}


async def given_up(ctx: Ctx) -> None:
    async with ctx.begin() as unit:
        values = {"state": DeliveryState.DEAD, "next_attempt_at": None}
        await (await unit.session()).execute(update(webhook_deliveries).values(**values))


async def test_after_several_dead_letters_a_subscription_is_disabled(post: Post) -> None:
    async with peer(in_turn(FAILS)) as receiver:
        subscription = await post.subscribe(receiver.url())
        for number in range(1, MOST_DEAD_IN_A_ROW + 1):
            await last_attempt(post, subscription)
            await post.until(number)
        shown = await post.state_of(subscription)
        assert (shown["status"], shown["dead_in_a_row"]) == ("disabled", MOST_DEAD_IN_A_ROW)
        assert "in a row" in shown["status_reason"]
        (news,) = (await post.server.get("/api/v1/inbox", kind="subscription_disabled")).json()
        assert (news["level"], news["subject_id"]) == ("error", subscription["id"])
        (listed,) = (await post.server.get("/api/v1/webhooks", status="disabled")).json()
        assert listed == shown
        woken = json_of(await post.server.patch(f"/api/v1/webhooks/{subscription['id']}", {"status": "active"}))
        assert (woken["status"], woken["dead_in_a_row"], woken["status_reason"]) == ("active", 0, None)


async def last_attempt(post: Post, subscription: dict[str, Any]) -> None:
    """A delivery that has one attempt left."""
    before = len(await post.deliveries())
    async with (await post.outbox()).begin() as unit:
        await note_last(unit, subscription)
    assert len(await post.deliveries()) == before + 1
    courier_of(post.server.runtime).wake()


async def note_last(ctx: Ctx, subscription: dict[str, Any]) -> None:
    key = DeliveryId.new()
    whom = SubscriptionId.parse(subscription["id"])
    await note(ctx, key, whom, PING, PingNews(subscription_id=whom), source=str(key))
    last = update(webhook_deliveries).where(webhook_deliveries.c.guid == key).values(attempts=MOST_ATTEMPTS - 1)
    await (await ctx.session()).execute(last)


async def test_one_that_arrives_ends_the_row_of_dead_ones(post: Post) -> None:
    async with peer(in_turn(FAILS, FAILS, reply())) as receiver:
        subscription = await post.subscribe(receiver.url())
        for number, dead in enumerate((1, 2, 0), 1):
            await last_attempt(post, subscription)
            await post.until(number)
            assert (await post.state_of(subscription))["dead_in_a_row"] == dead


async def test_an_address_that_says_it_is_gone_is_not_asked_again(post: Post) -> None:
    async with peer(reply(b"", "410 Gone")) as receiver:
        subscription = await post.subscribe(receiver.url())
        delivery = await post.ping(subscription)
        await post.until(1)
        assert (await post.delivery(delivery))["state"] == "dead"
        assert (await post.state_of(subscription))["status"] == "disabled"


@pytest.mark.parametrize("ending", ["paused", "deleted"])
async def test_what_is_under_way_when_a_subscription_ends_is_dropped(post: Post, ending: str) -> None:
    async with peer(FAILS) as receiver:
        subscription = await post.subscribe(receiver.url())
        delivery = await post.ping(subscription)
        await post.until(1)
        path = f"/api/v1/webhooks/{subscription['id']}"
        if ending == "paused":
            await post.server.patch(path, {"status": "paused"})
        else:
            await post.server.delete(path)
        post.later(LONGEST[0])
        await post.until(2)
    assert len(receiver.requests) == 1
    told = await post.delivery(delivery)
    assert (told["state"], told["attempts"]) == ("dropped", 1)
    assert ending in told["last_error"]


async def test_deliveries_stay_in_their_workspace_and_end_with_its_logs(post: Post) -> None:
    async with peer(reply()) as receiver:
        subscription = await post.subscribe(receiver.url())
        old = await post.ping(subscription)
        await post.until(1)
        other = await post.server.another_workspace()
        assert (await post.server.get("/api/v1/webhooks/deliveries", key=other)).json() == []
        for path in (f"/api/v1/webhooks/{subscription['id']}", f"/api/v1/webhooks/deliveries/{old['id']}"):
            assert (await post.server.get(path, key=other)).status_code == 404
        post.clock.advance(timedelta(days=31))
        new = await post.ping(subscription)
        await post.until(2)
    await purge(replace(await post.outbox(), workspace_id=NO_WORKSPACE))
    assert [each["id"] for each in await post.deliveries()] == [new["id"]]
