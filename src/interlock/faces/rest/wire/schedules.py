"""Native replies about schedules."""

from typing import Any

from interlock.domains.schedules.states import CatchUp, EndReason, FiringStatus, Overlap, ScheduleStatus
from interlock.domains.schedules.views import FiringId, ScheduleId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.kit.recurrence import RecurrenceKind


class ScheduleRow(Wire):
    """A schedule in a list."""

    id: ScheduleId
    name: str
    kind: RecurrenceKind
    spec: str
    explanation: str
    time_zone: str
    workflow_id: WorkflowId | None
    agent_id: AgentId | None
    status: ScheduleStatus
    end_reason: EndReason | None
    next_fire_at: Timestamp | None
    last_fired_at: Timestamp | None
    last_run_id: RunId | None
    firings: int
    failures: int
    created_at: Timestamp


class ScheduleReply(ScheduleRow):
    """A schedule with all it was told."""

    text: str | None
    input_data: dict[str, Any]
    overlap: Overlap
    catch_up: CatchUp
    max_firings: int | None
    expires_at: Timestamp | None
    extra: dict[str, Any]
    updated_at: Timestamp


class FiringReply(Wire):
    """One due moment, and what became of it; `missed` counts further ones that it stands for."""

    id: FiringId
    schedule_id: ScheduleId
    due_at: Timestamp
    fired_at: Timestamp
    status: FiringStatus
    missed: int
    by_hand: bool
    run_id: RunId | None
    code: str | None
    error: str | None


class PreviewReply(Wire):
    """What a specification means, and when it is due next."""

    kind: RecurrenceKind
    spec: str
    time_zone: str
    explanation: str
    confidence: float
    next_fire_times: tuple[Timestamp, ...]


class DueMomentReply(Wire):
    """When a schedule will be due."""

    at: Timestamp
    schedule_id: ScheduleId
    schedule_name: str


class ShortenedReply(Wire):
    """A schedule of which only the first moments are listed, up to `after`."""

    schedule_id: ScheduleId
    schedule_name: str
    after: Timestamp


class CalendarReply(Wire):
    """Due moments in order, complete before `complete_until` but for the schedules `shortened`."""

    since: Timestamp
    until: Timestamp
    complete_until: Timestamp
    moments: tuple[DueMomentReply, ...]
    shortened: tuple[ShortenedReply, ...]
