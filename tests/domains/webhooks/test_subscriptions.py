"""Subscriptions: signed in every style, secrets shown once and sealed, only possible events and addresses."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from interlock.domains.webhooks.catalogue import CATALOGUE, EVENT_TYPES, PING
from interlock.domains.webhooks.models import webhook_subscriptions
from tests.domains.webhooks.post import EPOCH, Post, json_of, plain, standard_ok
from tests.runtime.peer import peer, reply

GIVEN = "a secret of the other side, 42".replace(" ", "-")


@pytest.mark.parametrize("secret", [None, GIVEN, "whsec_" + "QUJD" * 8])
async def test_a_test_event_arrives_signed_in_every_style(post: Post, secret: str | None) -> None:
    async with peer(reply()) as receiver:
        more = {} if secret is None else {"secret": secret}
        subscription = await post.subscribe(receiver.url("/in"), styles=["stryda", "stratam"], **more)
        delivery = await post.ping(subscription)
        await post.until(1)
    (request,) = receiver.requests
    assert secret in {None, subscription["secret"]}
    assert standard_ok(request, subscription["secret"])
    assert not standard_ok(request, "whsec_" + "QUJE" * 8)
    assert request.headers["webhook-id"] == request.headers["x-stratam-delivery"] == delivery["id"]
    assert EPOCH + timedelta(seconds=int(request.headers["webhook-timestamp"])) == post.clock.now().replace(
        microsecond=0
    )
    signed = plain(request.body, subscription["secret"])
    assert request.headers["x-stratam-signature"] == request.headers["x-stryda-signature"] == signed
    assert request.headers["x-stratam-event"] == PING
    assert request.headers["content-type"] == "application/json"
    told = await post.delivery(delivery)
    assert (told["state"], told["attempts"], told["last_status"], told["last_error"]) == ("delivered", 1, 200, None)
    assert told["payload"]["type"] == PING
    assert told["payload"]["data"]["subscription_id"] == subscription["id"]
    assert told["settled_at"]
    assert told["next_attempt_at"] is None


async def test_without_a_style_only_the_standard_headers_go_out(post: Post) -> None:
    async with peer(reply()) as receiver:
        await post.ping(await post.subscribe(receiver.url()))
        await post.until(1)
    (request,) = receiver.requests
    assert not {name for name in request.headers if name.startswith("x-str")}


async def test_a_secret_is_shown_once_and_stored_sealed(post: Post) -> None:
    made = await post.subscribe("https://example.com/in")
    assert made["secret"].startswith("whsec_")
    shown = await post.state_of(made)
    assert "secret" not in shown
    assert made["secret"].endswith(shown["secret_end"])
    (listed,) = (await post.server.get("/api/v1/webhooks")).json()
    assert listed == shown
    async with (await post.server.ctx()).begin(write=False) as ctx:
        row = (await (await ctx.session()).execute(select(webhook_subscriptions))).one()
    assert made["secret"].encode() not in row.secret


async def test_for_a_day_the_former_secret_signs_too(post: Post) -> None:
    async with peer(reply()) as receiver:
        first = await post.subscribe(receiver.url())
        second = json_of(await post.server.post(f"/api/v1/webhooks/{first['id']}/rotate-secret"))
        assert second["secret"] != first["secret"]
        await post.ping(first)
        await post.until(1)
        post.clock.advance(timedelta(hours=24, seconds=1))
        await post.ping(first)
        await post.until(2)
    fresh, late = receiver.requests
    assert standard_ok(fresh, first["secret"])
    assert standard_ok(fresh, second["secret"])
    assert not standard_ok(late, first["secret"])
    assert standard_ok(late, second["secret"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"events": []}, "events"),
        ({"events": ["no.such.event"]}, "events"),
        ({"events": ["run.*", "RUN.*"]}, "events.1"),
        ({"events": [PING]}, "events"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user:pass@example.com"}, "url"),
        ({"url": "http://10.0.0.8/in"}, "url"),
        ({"url": "http://[::1]/in"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"styles": ["sha1"]}, "styles.0"),
        ({"secret": "short"}, "secret"),
        ({"secret": "with blanks and äöü, long enough"}, "secret"),
        ({"description": "\x00"}, "body.description"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(post: Post, change: dict[str, object], field: str) -> None:
    body = {"url": "https://example.com/in", "events": ["run.*"], **change}
    answer = await post.server.post("/api/v1/webhooks", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["field"] == field
    assert str(change.get("secret", "nothing")) not in answer.text.replace("secret", "")


async def test_a_subscription_changes_pauses_and_wakes(post: Post) -> None:
    made = await post.subscribe("https://example.com/in", "run.*")
    path = f"/api/v1/webhooks/{made['id']}"
    for change in (
        {"events": ["approval.*", "run.failed"], "description": "ops"},
        {"url": "https://example.org/in", "styles": ["stryda"]},
        {"status": "paused"},
        {"status": "paused", "description": None},
        {"status": "active"},
    ):
        changed = json_of(await post.server.patch(path, change))
        assert {name: changed[name] for name in change} == change
    for wrong in ({"url": None}, {"events": None}, {"styles": None}, {"status": None}, {"status": "disabled"}):
        assert (await post.server.patch(path, wrong)).status_code == 422
    assert (await post.server.patch(path, {"url": "http://127.0.0.2.1/"})).status_code == 200  # a name, judged later
    assert json_of(await post.server.delete(path)) == {"deleted": True}
    assert (await post.server.get(path)).status_code == 404


async def test_the_catalogue_says_what_is_told(post: Post) -> None:
    told = (await post.server.get("/api/v1/webhooks/events")).json()
    assert [each["name"] for each in told] == list(CATALOGUE) == [each.name for each in EVENT_TYPES]
    runs = next(each for each in told if each["name"] == "run.completed")
    assert {"run_id", "status", "output", "total_cost"} <= set(runs["data_schema"]["properties"])


async def test_only_an_administrator_decides_who_is_told(post: Post) -> None:
    key = json_of(await post.server.post("/api/v1/api-keys", {"name": "flows", "scopes": ["workflows"]}))["key"]
    for path in ("/api/v1/webhooks", "/api/v1/webhooks/deliveries"):
        assert (await post.server.get(path, key=key)).status_code == 403
    assert (await post.server.get("/api/v1/webhooks/events", key=key)).status_code == 200
