"""Schedules: what is due when, as a list and a calendar; making and changing one with a preview; what became of it."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from starlette.responses import Response

from interlock.domains.agents import service as agents
from interlock.domains.schedules import service as schedules
from interlock.domains.schedules.states import CatchUp, FiringStatus, Overlap, ScheduleStatus
from interlock.domains.schedules.views import Calendar, DueMoment, Schedule
from interlock.domains.workflows import service as workflows
from interlock.domains.workflows.states import WorkflowStatus
from interlock.faces.dashboard.fields import given, moment_of, object_of, or_null, query_without
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go, html
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.faces.dashboard.words import json_text
from interlock.kit.errors import InterlockError
from interlock.kit.paging import MAXIMUM_LIMIT

_DAYS = 7
_SHOWN_A_DAY = 6
_EXAMPLES = ("every weekday at 9am", "every 15 minutes", "first of every month at noon", "every sunday at 18:30")
_FIELDS = ("name", "text", "time_zone", "target", "input_data", "overlap", "catch_up", "max_firings", "expires_at")
_NOTHING_SAID = {"overlap": Overlap.SKIP.value, "catch_up": CatchUp.ONCE.value}


async def index(visit: Visit) -> Response:
    """The list, and the calendar of the next days."""
    return html(visit, "schedules/index.html", **await _listed(visit), **await _calendar(visit))


async def listing(visit: Visit) -> Response:
    """The list by itself."""
    return html(visit, "schedules/_list.html", **await _listed(visit))


async def strip(visit: Visit) -> Response:
    """The calendar by itself."""
    return html(visit, "schedules/_strip.html", **await _calendar(visit))


async def show(visit: Visit) -> Response:
    """One schedule and what became of its due moments."""
    return html(visit, "schedules/show.html", **await _one(visit))


async def firings(visit: Visit) -> Response:
    """One schedule's facts and history by themselves."""
    return html(visit, "schedules/_one.html", **await _one(visit))


async def new(visit: Visit) -> Response:
    """The form of a new schedule."""
    values = {**_NOTHING_SAID, "time_zone": visit.zone.key, "target": visit.query.get("target", "")}
    return await _form(visit, None, values)


async def create(visit: Visit) -> Response:
    """Make a schedule of what the form says."""
    form = await visit.form()
    try:
        command = visit.command(schedules.CreateSchedule, _values(visit, form, is_new=True))
        made = await visit.call(schedules.create, command)
    except InterlockError as error:
        return await _form(visit, None, form, problems_of(error))
    return go(visit, f"/schedules/{made.id}", said=f"'{made.name}' is planned.")


async def edit(visit: Visit) -> Response:
    """The form of a schedule."""
    schedule = await visit.call(schedules.get, visit.command(schedules.ScheduleRef, {}, "schedule_id"))
    return await _form(visit, schedule, _form_of(visit, schedule))


async def update(visit: Visit) -> Response:
    """Change a schedule to what the form says; when it fires counts anew only where that was changed."""
    schedule = await visit.call(schedules.get, visit.command(schedules.ScheduleRef, {}, "schedule_id"))
    form = await visit.form()
    try:
        values = _values(visit, form, is_new=False)
        before = _form_of(visit, schedule)
        if all(form.get(name, "").strip() == before[name] for name in ("text", "time_zone")):
            values = {name: value for name, value in values.items() if name not in {"text", "time_zone"}}
        command = visit.command(schedules.UpdateSchedule, values, "schedule_id")
        await visit.call(schedules.update, command)
    except InterlockError as error:
        return await _form(visit, schedule, form, problems_of(error))
    return go(visit, f"/schedules/{schedule.id}", said="Changed.")


async def preview(visit: Visit) -> Response:
    """What the words of the form mean, and when that is next."""
    query = visit.query
    try:
        command = visit.command(schedules.PreviewSchedule, given(query, "text", "time_zone"))
        found = await visit.call(schedules.preview, command)
    except InterlockError as error:
        problems = problems_of(error)
        words = problems.notice or " ".join(problems.fields.values())
        return html(visit, "schedules/_preview.html", found=None, words=words if query.get("text") else None)
    return html(visit, "schedules/_preview.html", found=found, words=None)


async def pause(visit: Visit) -> Response:
    """Let a schedule rest."""
    return await _done(visit, schedules.pause, "It rests until you resume it.")


async def resume(visit: Visit) -> Response:
    """Let a schedule fire again."""
    return await _done(visit, schedules.resume, "It fires again, counting from now.")


async def run_now(visit: Visit) -> Response:
    """Start a schedule's run at once."""
    command = visit.command(schedules.ScheduleRef, {}, "schedule_id")
    firing = await visit.call(schedules.run_now, command)
    return go(visit, f"/runs/{firing.run_id}", said="Started by hand; the schedule's rhythm stays as it is.")


async def delete(visit: Visit) -> Response:
    """Remove a schedule."""
    await visit.call(schedules.delete, visit.command(schedules.ScheduleRef, {}, "schedule_id"))
    return go(visit, "/schedules", said="The schedule is gone; its runs stay.")


async def _done(visit: Visit, operation: Any, said: str) -> Response:
    schedule = await visit.call(operation, visit.command(schedules.ScheduleRef, {}, "schedule_id"))
    back = (await visit.form()).get("back")
    return go(visit, "/schedules" if back == "list" else f"/schedules/{schedule.id}", said=said)


async def _listed(visit: Visit) -> dict[str, Any]:
    query = {name: value for name, value in visit.query.items() if name in {"status", "offset"}}
    wanted = visit.command(schedules.ListSchedules, {**query, "limit": 50})
    found = await visit.call(schedules.list_, wanted)
    return {
        "found": found,
        "wanted": wanted,
        "statuses": tuple(ScheduleStatus),
        "last": {each.id: await _last_of(visit, each) for each in found.items},
        "targets": await _targets(visit, only_ready=False),
        "onward": query_without(query, "offset"),
        "shown": query_without(query),
    }


async def _last_of(visit: Visit, schedule: Schedule) -> Any:
    """What became of the newest due moment."""
    newest = await visit.call(schedules.firings, schedules.ListFirings(schedule_id=schedule.id, limit=1))
    return newest.items[0] if newest.items else None


async def _calendar(visit: Visit) -> dict[str, Any]:
    today = datetime.combine(visit.ctx.now.astimezone(visit.zone).date(), time(), visit.zone)
    until = today + timedelta(days=_DAYS)
    wanted = schedules.ShowUpcoming(since=visit.ctx.now, until=until, each=200, limit=1_500)
    found = await visit.call(schedules.upcoming, wanted)
    return {"calendar": found, "days": [_day(found, today + timedelta(days=number)) for number in range(_DAYS)]}


def _day(found: Calendar, begin: datetime) -> dict[str, Any]:
    """A day of the viewer's calendar: a mark for every moment, and which schedules are due from when, how often."""
    end = begin + timedelta(days=1)  # the same wall clock, also where clocks change
    moments = [moment for moment in found.moments if begin <= moment.at < end]
    length = (end.timestamp() - begin.timestamp()) or 1
    spots = {round((moment.at.timestamp() - begin.timestamp()) / length * 100, 1) for moment in moments}
    due: dict[Any, list[DueMoment]] = {}
    for moment in moments:
        due.setdefault(moment.schedule_id, []).append(moment)
    now = (found.since.timestamp() - begin.timestamp()) / length * 100
    return {
        "begin": begin,
        "number": len(moments),
        "due": [(each[0], each[0].at.astimezone(begin.tzinfo), len(each)) for each in due.values()][:_SHOWN_A_DAY],
        "more": max(len(due) - _SHOWN_A_DAY, 0),
        "spots": sorted(spots),
        "now": round(now, 1) if 0 <= now < 100 else None,
    }


async def _one(visit: Visit) -> dict[str, Any]:
    schedule = await visit.call(schedules.get, visit.command(schedules.ScheduleRef, {}, "schedule_id"))
    query = {name: value for name, value in visit.query.items() if name in {"status", "offset"}}
    wanted = visit.command(schedules.ListFirings, {**query, "schedule_id": schedule.id, "limit": 25})
    following: tuple[datetime, ...] = ()
    if schedule.next_fire_at is not None:
        asked = {"kind": schedule.kind, "spec": schedule.spec, "time_zone": schedule.time_zone}
        if schedule.kind.value == "cron":  # an interval counts from when it was made, not from now
            shown = await visit.call(schedules.preview, visit.command(schedules.PreviewSchedule, asked))
            following = shown.next_fire_times
        else:
            following = (schedule.next_fire_at,)
    return {
        "schedule": schedule,
        "found": await visit.call(schedules.firings, wanted),
        "wanted": wanted,
        "statuses": tuple(FiringStatus),
        "following": following,
        "targets": await _targets(visit, only_ready=False),
        "onward": query_without(query, "offset"),
        "shown": query_without(query),
    }


async def _targets(visit: Visit, *, only_ready: bool) -> dict[str, str]:
    """What can be started, by `workflow:id` or `agent:id`."""
    found = {}
    ready = WorkflowStatus.PUBLISHED if only_ready else None
    wanted = workflows.ListWorkflows(status=ready, limit=MAXIMUM_LIMIT)
    for workflow in (await visit.call(workflows.list_, wanted)).items:
        found[f"workflow:{workflow.id}"] = workflow.name
    if visit.may("agents"):
        for agent in (await visit.call(agents.list_, agents.ListAgents(limit=MAXIMUM_LIMIT))).items:
            found[f"agent:{agent.id}"] = agent.name
    return found


async def _form(
    visit: Visit, schedule: Schedule | None, values: Mapping[str, str], problems: Problems | None = None
) -> Response:
    targets = await _targets(visit, only_ready=True)
    chosen = values.get("target", "")
    if chosen and chosen not in targets:
        targets[chosen] = "(not ready, or not there any more)"
    return html(
        visit,
        "schedules/form.html",
        status=422 if problems else 200,
        schedule=schedule,
        values={**dict.fromkeys(_FIELDS, ""), **values},
        problems=problems or Problems(),
        targets=targets,
        overlaps=[
            (Overlap.SKIP.value, "skip it: one run at a time"),
            (Overlap.ALLOW.value, "start it beside the other"),
        ],
        catch_ups=[
            (CatchUp.ONCE.value, "fire once for all that was missed"),
            (CatchUp.NONE.value, "do not make up for it"),
        ],
        examples=_EXAMPLES,
    )


def _values(visit: Visit, form: Mapping[str, str], *, is_new: bool) -> dict[str, Any]:
    kind, _, key = form.get("target", "").partition(":")
    values = given(form, "name", "text", "time_zone", "overlap", "catch_up")
    values |= {f"{kind}_id": key} if kind in {"workflow", "agent"} else {}
    values["input_data"] = object_of(form, "input_data")
    ends = {**or_null(form, "max_firings"), "expires_at": moment_of(form, "expires_at", visit.zone)}
    return values | {name: value for name, value in ends.items() if value is not None or not is_new}


def _form_of(visit: Visit, schedule: Schedule) -> dict[str, str]:
    target = f"workflow:{schedule.workflow_id}" if schedule.workflow_id else f"agent:{schedule.agent_id}"
    ends = schedule.expires_at
    return {
        "name": schedule.name,
        "text": schedule.text or schedule.spec,
        "time_zone": schedule.time_zone,
        "target": target,
        "input_data": _json(schedule.input_data),
        "overlap": schedule.overlap.value,
        "catch_up": schedule.catch_up.value,
        "max_firings": "" if schedule.max_firings is None else str(schedule.max_firings),
        "expires_at": "" if ends is None else ends.astimezone(visit.zone).strftime("%Y-%m-%dT%H:%M"),
    }


def _json(value: dict[str, Any]) -> str:
    return json_text(value) if value else ""


ROUTES = (
    page("/schedules", index),
    page("/schedules/list", listing),
    page("/schedules/strip", strip),
    page("/schedules/preview", preview),
    page("/schedules/new", new),
    action("/schedules/new", create),
    page("/schedules/{schedule_id}", show),
    page("/schedules/{schedule_id}/firings", firings),
    page("/schedules/{schedule_id}/edit", edit),
    action("/schedules/{schedule_id}/edit", update),
    action("/schedules/{schedule_id}/pause", pause),
    action("/schedules/{schedule_id}/resume", resume),
    action("/schedules/{schedule_id}/run", run_now),
    action("/schedules/{schedule_id}/delete", delete),
)
