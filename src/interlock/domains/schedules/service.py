"""Operations on schedules: plan, read, change, rest, fire by hand."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from interlock.domains.agents import service as agents
from interlock.domains.schedules.calendar import Bounds, lay_out
from interlock.domains.schedules.firing import fire_by_hand, wait_for
from interlock.domains.schedules.planning import Limits, Plan, plan
from interlock.domains.schedules.repository import Firings, Schedules
from interlock.domains.schedules.states import LIFECYCLE, CatchUp, FiringStatus, Overlap, ScheduleStatus
from interlock.domains.schedules.timing import Timing, anchor_of, timing_of
from interlock.domains.schedules.timing import upcoming as next_moments
from interlock.domains.schedules.views import Calendar, Firing, Preview, Schedule, ScheduleId
from interlock.domains.workflows import service as workflows
from interlock.kit.errors import conflict, forbidden, invalid
from interlock.kit.ids import AgentId, WorkflowId
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.kit.recurrence import RecurrenceKind
from interlock.runtime.context import Ctx

_MOST_SCHEDULES = 1_000
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_A_WEEK, _A_YEAR = timedelta(days=7), timedelta(days=366)

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="What people call it.")]
Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="When, in English or as '15m' or five cron fields; instead of kind and spec.",
        examples=["every weekday at 9am"],
    ),
]
Spec = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="Five cron fields; 15m, 1h, 1d or seconds; or an ISO 8601 moment.",
        examples=["0 9 * * 1-5"],
    ),
]
Zone = Annotated[str, Field(min_length=1, max_length=60, description="IANA name.", examples=["Europe/Berlin"])]
Input = Annotated[dict[str, Any], Field(max_length=200, description="What the run gets to work on.")]
Most = Annotated[int, Field(ge=1, le=1_000_000, description="End after so many runs.")]
Until = Annotated[AwareDatetime, Field(description="End at this moment; ISO 8601 with a zone.")]
Extra = Annotated[dict[str, Any], Field(max_length=50, description="Kept for clients; means nothing here.")]


class CreateSchedule(Command):
    """What to start (a workflow or an agent), when, and how long."""

    name: Name
    text: Text | None = None
    kind: RecurrenceKind | None = None
    spec: Spec | None = None
    time_zone: Zone = "UTC"
    workflow_id: WorkflowId | None = None
    agent_id: AgentId | None = None
    input_data: Input = Field(default_factory=dict)
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.ONCE
    max_firings: Most | None = None
    expires_at: Until | None = None
    extra: Extra = Field(default_factory=dict)


class UpdateSchedule(Command):
    """The fields to change; absent ones stay. A change of when it fires counts from now."""

    schedule_id: ScheduleId
    name: Name | None = None
    text: Text | None = None
    kind: RecurrenceKind | None = None
    spec: Spec | None = None
    time_zone: Zone | None = None
    workflow_id: WorkflowId | None = None
    agent_id: AgentId | None = None
    input_data: Input | None = None
    overlap: Overlap | None = None
    catch_up: CatchUp | None = None
    max_firings: Most | None = None
    expires_at: Until | None = None
    extra: Extra | None = None


class ScheduleRef(Command):
    """Which schedule."""

    schedule_id: ScheduleId


class ListSchedules(PageQuery):
    """Which schedules, and which page of them."""

    status: ScheduleStatus | None = None
    workflow_id: WorkflowId | None = None
    agent_id: AgentId | None = None


class ListFirings(PageQuery):
    """Whose firings, which of them, and which page."""

    schedule_id: ScheduleId
    status: FiringStatus | None = None


class PreviewSchedule(Command):
    """When, as for a new schedule, and how many due moments to show."""

    text: Text | None = None
    kind: RecurrenceKind | None = None
    spec: Spec | None = None
    time_zone: Zone = "UTC"
    count: Annotated[int, Field(ge=1, le=50)] = 5


class ShowUpcoming(Command):
    """Between which instants, and how much of it."""

    since: Annotated[AwareDatetime | None, Field(description="Absent: now.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Absent: a week later; at most a year.")] = None
    limit: Annotated[int, Field(ge=1, le=2_000, description="Most moments in all.")] = 500
    each: Annotated[int, Field(ge=1, le=500, description="Most moments of one schedule.")] = 50


@operation("schedules.create", scope="workflows", effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreateSchedule) -> Schedule:
    """Have a published workflow or an agent start by the clock."""
    timing = timing_of(command.text, command.kind, command.spec, command.time_zone, ctx.now)
    await _check_target(ctx, command.workflow_id, command.agent_id)
    limits = Limits(command.max_firings, command.expires_at)
    following = plan(timing.recurrence, ctx.now, limits, firings=0)
    if following.next_fire_at is None:
        raise _never(timing, ctx.now)
    key = ScheduleId.new()
    job_id = await wait_for(ctx, key, following.next_fire_at)
    return await Schedules(ctx).add(
        key,
        name=command.name,
        **timing.columns(),
        workflow_id=command.workflow_id,
        agent_id=command.agent_id,
        input_data=command.input_data,
        overlap=command.overlap,
        catch_up=command.catch_up,
        max_firings=command.max_firings,
        expires_at=command.expires_at,
        firings=0,
        status=following.status,
        end_reason=None,
        next_fire_at=following.next_fire_at,
        job_id=job_id,
        last_fired_at=None,
        last_run_id=None,
        failures=0,
        created_by=ctx.actor.user_id,
        extra=command.extra,
        created_at=ctx.now,
        updated_at=ctx.now,
    )


@operation("schedules.get", scope="workflows")
async def get(ctx: Ctx, command: ScheduleRef) -> Schedule:
    """Show one schedule: when it fires next, what it starts, how it has gone."""
    return await Schedules(ctx).get(command.schedule_id)


@operation("schedules.list", scope="workflows")
async def list_(ctx: Ctx, command: ListSchedules) -> Page[Schedule]:
    """List the workspace's schedules, newest first."""
    filters = {"status": command.status, "workflow_id": command.workflow_id, "agent_id": command.agent_id}
    return await Schedules(ctx).page(command, filters)


@operation("schedules.update", scope="workflows", effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateSchedule) -> Schedule:
    """Change a schedule; a change of when it fires counts from now."""
    seen = await Schedules(ctx).get(command.schedule_id)
    _check_scope(ctx, seen.agent_id)
    values = changes(command, "schedule_id", "text", "kind", "spec", "time_zone")
    for required in ("name", "input_data", "overlap", "catch_up", "extra"):
        if required in values and values[required] is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    if {"workflow_id", "agent_id"} & values.keys():
        given = {"workflow_id": None, "agent_id": None, **values}
        await _check_target(ctx, given["workflow_id"], given["agent_id"])
        values |= {"workflow_id": given["workflow_id"], "agent_id": given["agent_id"]}
    timing = _new_timing(seen, command, ctx.now)
    if timing is not None:
        values |= timing.columns()
    elif not {"max_firings", "expires_at"} & values.keys():
        return await Schedules(ctx).change(seen.id, {**values, "updated_at": ctx.now})
    return await _plan_anew(ctx, seen, values, timing)


@operation("schedules.delete", scope="workflows", effect=Effect.WRITE)
async def delete(ctx: Ctx, command: ScheduleRef) -> ScheduleId:
    """Remove a schedule and the history of its firings; the runs stay."""
    await _withdraw_job(ctx, command.schedule_id)
    await Schedules(ctx).remove(command.schedule_id)
    await Firings(ctx).forget(command.schedule_id)
    return command.schedule_id


@operation("schedules.pause", scope="workflows", effect=Effect.WRITE)
async def pause(ctx: Ctx, command: ScheduleRef) -> Schedule:
    """Stop a schedule from firing; it can still be fired by hand."""
    seen = await Schedules(ctx).get(command.schedule_id)
    LIFECYCLE.check(seen.status, ScheduleStatus.PAUSED)
    await _withdraw_job(ctx, seen.id)
    values = {"status": ScheduleStatus.PAUSED, "next_fire_at": None, "job_id": None, "updated_at": ctx.now}
    return await _change_as_seen(ctx, seen, values)


@operation("schedules.resume", scope="workflows", effect=Effect.WRITE)
async def resume(ctx: Ctx, command: ScheduleRef) -> Schedule:
    """Let a paused schedule fire again, counting from now: what was due meanwhile is not made up for."""
    seen = await Schedules(ctx).get(command.schedule_id)
    _check_scope(ctx, seen.agent_id)
    if seen.status is not ScheduleStatus.PAUSED:
        raise conflict(
            f"This schedule is {seen.status.value}, so it cannot be resumed.",
            state=seen.status.value,
            hint="Change when it fires instead." if seen.status is ScheduleStatus.EXHAUSTED else None,
        )
    return await _plan_anew(ctx, seen, {"anchor_at": anchor_of(ctx.now), "failures": 0}, None, wake=True)


@operation("schedules.run_now", scope="workflows", effect=Effect.WRITE)
async def run_now(ctx: Ctx, command: ScheduleRef) -> Firing:
    """Start the schedule's run at once, beside its rhythm; it does not count towards the most firings."""
    schedule = await Schedules(ctx).get(command.schedule_id)
    _check_scope(ctx, schedule.agent_id)
    return await fire_by_hand(ctx, schedule)


@operation("schedules.firings", scope="workflows")
async def firings(ctx: Ctx, command: ListFirings) -> Page[Firing]:
    """List what became of a schedule's due moments, newest first."""
    schedule = await Schedules(ctx).get(command.schedule_id)
    return await Firings(ctx).page(command, {"schedule_id": schedule.id, "status": command.status})


@operation("schedules.preview", scope="workflows")
async def preview(ctx: Ctx, command: PreviewSchedule) -> Preview:
    """Show what a specification or English words mean and the next moments they are due, without keeping anything."""
    timing = timing_of(command.text, command.kind, command.spec, command.time_zone, ctx.now)
    return Preview(
        kind=timing.recurrence.kind,
        spec=timing.recurrence.spec,
        time_zone=timing.recurrence.zone.key,
        explanation=timing.recurrence.explain(),
        confidence=timing.confidence,
        next_fire_times=next_moments(timing, ctx.now, command.count),
    )


@operation("schedules.upcoming", scope="workflows")
async def upcoming(ctx: Ctx, command: ShowUpcoming) -> Calendar:
    """Show when the active schedules are due between two instants, bounded, saying where the list is cut off."""
    since = ctx.now if command.since is None else command.since
    if not _FIRST_YEAR <= since.year <= _LAST_YEAR:
        raise invalid(f"'since' must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}.", field="since")
    until = since + _A_WEEK if command.until is None else command.until
    if not since < until <= since + _A_YEAR:
        raise invalid("'until' must lie after 'since', by a year at most.", field="until")
    found = await Schedules(ctx).due_by(until, _MOST_SCHEDULES + 1)
    # So that it is known how far the list goes: what is not read is due no sooner than the first of them.
    known_until = until
    if len(found) > _MOST_SCHEDULES:
        known_until = found.pop().next_fire_at or until
    bounds = Bounds(since, until, command.limit, command.each)
    # Two thousand moments of cron take a tenth of a second.
    return await asyncio.to_thread(lay_out, found, bounds, known_until)


def _new_timing(seen: Schedule, command: UpdateSchedule, now: datetime) -> Timing | None:
    """When it fires from now on; None where nothing about that was said."""
    given = command.model_fields_set & {"text", "kind", "spec", "time_zone"}
    for name in sorted(given):
        if getattr(command, name) is None:
            raise invalid(f"'{name}' cannot be null; leave it out to keep it.", field=name)
    if not given:
        return None
    zone = command.time_zone or seen.time_zone
    if given == {"time_zone"}:
        return timing_of(seen.text, None if seen.text else seen.kind, None if seen.text else seen.spec, zone, now)
    kind = command.kind or (seen.kind if command.spec is not None else None)
    timing = timing_of(command.text, kind, command.spec, zone, now)
    if timing.recurrence.next_after(now) is None:
        raise _never(timing, now)
    return timing


async def _plan_anew(
    ctx: Ctx, seen: Schedule, values: dict[str, Any], timing: Timing | None, *, wake: bool = False
) -> Schedule:
    """Change a schedule together with the moment it waits for."""
    limits = Limits(values.get("max_firings", seen.max_firings), values.get("expires_at", seen.expires_at))
    recurrence = seen.model_copy(update=values).recurrence if timing is None else timing.recurrence
    following = plan(recurrence, ctx.now, limits, firings=seen.firings)
    await _withdraw_job(ctx, seen.id)
    if seen.status is ScheduleStatus.PAUSED and not wake and following.next_fire_at is not None:
        following = Plan(ScheduleStatus.PAUSED, None, None)
    moved = {
        "status": following.status,
        "end_reason": following.end_reason,
        "next_fire_at": following.next_fire_at,
        "job_id": await wait_for(ctx, seen.id, following.next_fire_at),
        "updated_at": ctx.now,
    }
    return await _change_as_seen(ctx, seen, {**values, **moved})


async def _change_as_seen(ctx: Ctx, seen: Schedule, values: dict[str, Any]) -> Schedule:
    """A compare-and-set: a firing that came in between is a conflict, not lost."""
    columns = Schedules.table.c
    unchanged = [columns.status == seen.status, columns.firings == seen.firings]
    return await Schedules(ctx).change(seen.id, values, where=unchanged)


async def _withdraw_job(ctx: Ctx, schedule_id: ScheduleId) -> None:
    job_id = await Schedules(ctx).job_of(schedule_id)
    if job_id is not None:
        await ctx.runtime.jobs.withdraw(ctx, job_id)


async def _check_target(ctx: Ctx, workflow_id: WorkflowId | None, agent_id: AgentId | None) -> None:
    if (workflow_id is None) == (agent_id is None):
        raise invalid("Name either 'workflow_id' or 'agent_id'.", field="workflow_id")
    if workflow_id is not None:
        await workflows.get(ctx, workflows.WorkflowRef(workflow_id=workflow_id))
    if agent_id is not None:
        _check_scope(ctx, agent_id)
        await agents.get(ctx, agents.AgentRef(agent_id=agent_id))


def _check_scope(ctx: Ctx, agent_id: AgentId | None) -> None:
    """Starting an agent takes the same scope by the clock as by hand."""
    if agent_id is not None and not {"agents", "*"} & ctx.scopes:
        raise forbidden(
            "This credential lacks the scope 'agents', which starting an agent takes.",
            scope="agents",
            hint="Use a key that carries 'agents'.",
        )


def _never(timing: Timing, now: datetime) -> Exception:
    if timing.recurrence.next_after(now) is None:
        return invalid("This moment has passed.", field="spec", hint="Name one in the future.")
    return invalid("It would expire before it fires.", field="expires_at", hint="Name a later moment, or none.")
