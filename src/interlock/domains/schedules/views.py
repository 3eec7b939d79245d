"""What faces and other domains see of schedules."""

from datetime import datetime
from typing import Any, ClassVar

from interlock.domains.schedules.states import CatchUp, EndReason, FiringStatus, Overlap, ScheduleStatus
from interlock.kit.ids import AgentId, RunId, TypedId, WorkflowId
from interlock.kit.operations import View
from interlock.kit.recurrence import Recurrence, RecurrenceKind, recurrence
from interlock.runtime.context import UserId


class ScheduleId(TypedId):
    """A schedule."""

    prefix: ClassVar[str] = "sched"


class FiringId(TypedId):
    """One due moment of a schedule, and what became of it."""

    prefix: ClassVar[str] = "fire"


class Schedule(View):
    """When something starts, what starts, and how it has gone so far.

    `text` holds the words that `kind` and `spec` were read from; `firings` counts the runs started by the clock,
    `failures` the refusals since the last of them; `extra` is kept for clients and means nothing here.
    """

    id: ScheduleId
    number: int
    name: str
    kind: RecurrenceKind
    spec: str
    text: str | None
    time_zone: str
    workflow_id: WorkflowId | None
    agent_id: AgentId | None
    input_data: dict[str, Any]
    overlap: Overlap
    catch_up: CatchUp
    max_firings: int | None
    expires_at: datetime | None
    status: ScheduleStatus
    end_reason: EndReason | None
    anchor_at: datetime
    next_fire_at: datetime | None
    last_fired_at: datetime | None
    last_run_id: RunId | None
    firings: int
    failures: int
    created_by: UserId | None
    extra: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def recurrence(self) -> Recurrence:
        """When it is due."""
        return recurrence(self.kind, self.spec, self.time_zone, self.anchor_at)

    @property
    def explanation(self) -> str:
        """When it is due, in words."""
        return self.recurrence.explain()


class Firing(View):
    """One due moment, and what became of it.

    `missed` counts further due moments that this one stands for (a hundred means at least a hundred); `by_hand` tells
    of a person who fired it; `code` and `error` say why there is no run.
    """

    id: FiringId
    number: int
    schedule_id: ScheduleId
    due_at: datetime
    fired_at: datetime
    status: FiringStatus
    missed: int
    by_hand: bool
    run_id: RunId | None
    code: str | None
    error: str | None


class Preview(View):
    """What a specification means, and when it is due next; below 1.0 confidence something was only implied."""

    kind: RecurrenceKind
    spec: str
    time_zone: str
    explanation: str
    confidence: float
    next_fire_times: tuple[datetime, ...]


class DueMoment(View):
    """When a schedule will be due."""

    at: datetime
    schedule_id: ScheduleId
    schedule_name: str


class Shortened(View):
    """A schedule that is due so often that only its first moments are listed, up to `after`."""

    schedule_id: ScheduleId
    schedule_name: str
    after: datetime


class Calendar(View):
    """Due moments between two instants, in order; complete before `complete_until`, but for those `shortened`.

    What overlap, a downtime or a change will make of them is not foreseen.
    """

    since: datetime
    until: datetime
    complete_until: datetime
    moments: tuple[DueMoment, ...]
    shortened: tuple[Shortened, ...]
