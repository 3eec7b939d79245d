"""Samples of schedules and of the inbox."""

from interlock.domains.notifications.service import NewNotification, notify
from interlock.domains.notifications.states import NotificationKind
from tests.contracts.world import Build, Sample, World, nothing, reference, unique


async def _create(world: World) -> Sample:
    agent = await world.made("agents.create")
    # Far enough away never to be due while the suite runs.
    when = {"text": "first of every month at noon", "time_zone": "Europe/Berlin"}
    return Sample({"name": unique("schedule"), **when, "agent_id": agent, "input_data": {"task": "Say hello."}})


async def _update(world: World) -> Sample:
    key = await world.made("schedules.create")
    return Sample({"schedule_id": key, "kind": "cron", "spec": "30 4 1 * *", "overlap": "allow", "max_firings": 12})


async def _resume(world: World) -> Sample:
    key = await world.made("schedules.create")
    await world.call("schedules.pause", {"schedule_id": key})
    return Sample({"schedule_id": key})


async def _preview(_world: World) -> Sample:
    return Sample({"text": "every weekday at 9am", "time_zone": "Europe/Berlin", "count": 3})


async def _item(world: World) -> Sample:
    async with (await world.ctx()).begin() as ctx:
        key = await notify(ctx, NewNotification(kind=NotificationKind.SYSTEM, title=unique("news"), body="Hello."))
    return Sample({"item_id": key})


async def _mark_read(world: World) -> Sample:
    return Sample({"ids": [(await _item(world)).payload["item_id"]]})


SAMPLES: dict[str, Build] = {
    "notifications.dismiss": _item,
    "notifications.inbox": nothing,
    "notifications.inbox_stream": nothing,
    "notifications.mark_read": _mark_read,
    "notifications.unread": nothing,
    "schedules.create": _create,
    "schedules.delete": reference("schedule_id", "schedules.create"),
    "schedules.firings": reference("schedule_id", "schedules.create"),
    "schedules.get": reference("schedule_id", "schedules.create"),
    "schedules.list": nothing,
    "schedules.pause": reference("schedule_id", "schedules.create"),
    "schedules.preview": _preview,
    "schedules.resume": _resume,
    "schedules.run_now": reference("schedule_id", "schedules.create"),
    "schedules.upcoming": nothing,
    "schedules.update": _update,
}
UNROUTED = {"notifications.inbox_stream": "the dashboard follows it; its route comes with it"}
