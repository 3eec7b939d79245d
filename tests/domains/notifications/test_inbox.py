"""The inbox: what people are told in the product, for whom, read once, counted at a constant price."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from interlock.domains.accounts.service import people
from interlock.domains.notifications import jobs as notification_jobs
from interlock.domains.notifications import service as notifications
from interlock.domains.notifications.models import inbox_items
from interlock.domains.notifications.service import NewNotification, inbox_stream_of, notify
from interlock.domains.notifications.states import NotificationKind, NotificationLevel
from interlock.domains.notifications.views import EVERYONE, InboxItem, InboxItemId, Unread
from interlock.domains.tools.states import ToolStatus
from interlock.kit.clock import FixedClock
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import ALL_SCOPES, NO_WORKSPACE, SYSTEM, Ctx, UserId
from interlock.runtime.invoke import invoke
from tests.domains.notifications.desk import Desk
from tests.support.app import Server

PASSWORD = "correct horse battery"


async def call(server: Server, function: Any, credential: str | None = None, **values: Any) -> Any:
    command = next(kind for name, kind in function.__annotations__.items() if name == "command")
    return await invoke(await server.ctx(credential), function, command.model_validate(values))


async def items(server: Server, credential: str | None = None, **values: Any) -> list[InboxItem]:
    return list((await call(server, notifications.inbox, credential, **values)).items)


async def put(server: Server, title: str = "news", **values: Any) -> InboxItemId | None:
    async with (await server.ctx()).begin() as ctx:
        return await notify(ctx, NewNotification.model_validate({"kind": "system", "title": title, **values}))


async def person(server: Server, name: str) -> tuple[UserId, str]:
    email = f"{name}@example.com"
    made = await call(server, people.add_user, email=email, name=name, password=PASSWORD)
    return made.id, (await call(server, people.sign_in, email=email, password=PASSWORD)).token


async def test_news_come_once_newest_first_and_are_cut(server: Server) -> None:
    await put(server, "first\nline " + "x" * 300, body="y" * 10_000, subject_kind="run", subject_id="run_1", source="a")
    assert await put(server, "again", source="a") is None
    await put(server, "second", level="error")
    second, first = await items(server)
    assert (second.title, second.level, second.user_id) == ("second", NotificationLevel.ERROR, EVERYONE)
    assert (len(first.title), first.title[:11], len(first.body)) == (200, "first line ", 4_000)
    assert (first.subject_kind, first.subject_id, first.read_at) == ("run", "run_1", None)
    assert [item.id for item in await items(server, level="error")] == [second.id]


async def test_reading_is_counted_and_told(server: Server) -> None:
    keys = [await put(server, f"news {number}") for number in range(3)]
    assert await call(server, notifications.unread) == Unread(unread=3, is_more=False)
    assert (await call(server, notifications.mark_read, ids=[keys[0]])).unread == 2
    before = (await items(server))[-1].read_at
    assert (await call(server, notifications.mark_read, ids=[keys[0]])).unread == 2
    assert (await items(server))[-1].read_at == before is not None
    assert [item.id for item in await items(server, unread=True)] == [keys[2], keys[1]]
    await call(server, notifications.dismiss, item_id=keys[2])
    now = (await server.ctx()).now
    assert (await call(server, notifications.mark_read, before=now.isoformat())).unread == 0
    late = await put(server, "late")
    assert (await call(server, notifications.mark_read, before=now.isoformat())).unread == 1
    assert [item.id for item in await items(server, unread=True)] == [late]
    ctx = await server.ctx()
    async with ctx.begin(write=False) as reading:
        events = await server.runtime.streams.read(reading, inbox_stream_of(ctx))
    told = [event.data.get("unread") for event in events if event.type == "inbox.changed"]
    assert told == [2, 2, 1, 0, 1]
    assert sum(event.type == "inbox.added" for event in events) == 4


@pytest.mark.parametrize("values", [{}, {"ids": [str(InboxItemId.new())], "before": "2026-01-01T00:00:00Z"}])
async def test_either_some_or_all_are_marked(server: Server, values: dict[str, Any]) -> None:
    with pytest.raises(InterlockError) as raised:
        await call(server, notifications.mark_read, **values)
    assert raised.value.kind is Kind.INVALID


async def test_what_is_for_one_person_only_that_person_sees(server: Server) -> None:
    ann, ann_token = await person(server, "ann")
    _, bo_token = await person(server, "bo")
    hers = await put(server, "for ann", user_id=ann)
    ours = await put(server, "for all")
    assert [item.id for item in await items(server, ann_token)] == [ours, hers]
    assert [item.id for item in await items(server, bo_token)] == [ours]
    with pytest.raises(InterlockError) as raised:
        await call(server, notifications.dismiss, bo_token, item_id=hers)
    assert raised.value.kind is Kind.NOT_FOUND
    assert (await call(server, notifications.mark_read, bo_token, ids=[hers, ours])).unread == 0
    assert (await call(server, notifications.unread, ann_token)).unread == 1


async def test_another_workspace_has_its_own(server: Server) -> None:
    key = await put(server)
    other = await server.another_workspace()
    assert await items(server, other) == []
    with pytest.raises(InterlockError):
        await call(server, notifications.dismiss, other, item_id=key)
    assert (await call(server, notifications.mark_read, other, ids=[key])).unread == 0
    assert (await call(server, notifications.unread)).unread == 1


async def test_a_flood_is_counted_up_to_a_thousand(server: Server) -> None:
    async with (await server.ctx()).begin() as ctx:
        row = {
            "workspace_id": ctx.workspace_id,
            "user_id": EVERYONE,
            "kind": NotificationKind.SYSTEM,
            "level": NotificationLevel.INFO,
            "title": "t",
            "body": "",
            "created_at": ctx.now,
        }
        rows = [{**row, "guid": InboxItemId.new()} for _ in range(1_001)]
        await (await ctx.session()).execute_long(insert(inbox_items), rows)
    assert await call(server, notifications.unread) == Unread(unread=1_000, is_more=True)


async def test_old_news_are_forgotten(server: Server) -> None:
    await put(server)
    server.runtime.clock = FixedClock((await server.ctx()).now + timedelta(days=31))
    fresh = await put(server, "fresh")
    await notification_jobs.purge(
        Ctx(server.runtime, SYSTEM, NO_WORKSPACE, ALL_SCOPES, request_id="daily", face="jobs")
    )
    assert [item.id for item in await items(server)] == [fresh]


async def test_approvals_and_alerts_are_in_the_inbox_without_any_channel(desk: Desk) -> None:
    await desk.policy("pause", "crm.*")
    assert (await desk.call()).status is ToolStatus.ACTION_REQUIRED
    await desk.performed.until("notifications.on_approval_requested", 1)
    (item,) = await items(desk.server, kind="approval_requested")
    assert item.title == "Approval needed: crm.create_contact"
    assert (item.subject_kind, str(item.subject_id)[:5]) == ("approval", "appr_")
    assert await desk.notes() == []


async def test_urgent_news_also_leave_over_the_configured_channels(desk: Desk) -> None:
    await desk.connect("slack")
    await desk.alerts_to(slack_channel="#ops-alerts")
    await put(desk.server, "It burns", kind="schedule_failing", level="error", body="Look.", alert=True)
    (note,) = await desk.delivered()
    assert (note["channel"], note["state"], note["event"]) == ("slack", "sent", "notifications.schedule_failing")
    (message,) = desk.messages()
    assert "It burns" in message.data["text"]


async def test_failed_runs_of_one_agent_are_one_piece_of_news_an_hour(server: Server) -> None:
    agent = (await server.post("/api/v1/agents", {"name": "clerk", "model": "scripted:nothing"})).json()["id"]
    for _ in range(2):
        run = (await server.post(f"/api/v1/agents/{agent}/run", {"input_data": {"task": "Hello."}})).json()["run_id"]
        async for event in server.runtime.streams.follow(await server.ctx(), f"run:{run}", 0):
            if event is not None and event.type == "run.failed":
                break
    (item,) = await items(server, kind="run_failed")
    assert (item.title, item.subject_kind, item.level) == ("A run of 'clerk' failed", "run", "error")


async def test_over_http(server: Server) -> None:
    key = await put(server, "news", subject_kind="run", subject_id="run_1")
    (shown,) = (await server.get("/api/v1/inbox", unread="true")).json()
    assert (shown["id"], shown["kind"], shown["user_id"], shown["read_at"]) == (str(key), "system", None, None)
    assert (await server.get("/api/v1/inbox/unread")).json() == {"unread": 1, "is_more": False}
    assert (await server.post("/api/v1/inbox/read", {"ids": [str(key)]})).json() == {"unread": 0, "is_more": False}
    assert (await server.delete(f"/api/v1/inbox/{key}")).json() == {"deleted": True}
    assert (await server.delete(f"/api/v1/inbox/{key}")).status_code == 404
