"""Tables of the schedules domain."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from interlock.domains.schedules.states import CatchUp, EndReason, FiringStatus, Overlap, ScheduleStatus
from interlock.domains.schedules.views import FiringId, ScheduleId
from interlock.kit.ids import AgentId, RunId, WorkflowId
from interlock.kit.recurrence import RecurrenceKind
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId
from interlock.runtime.jobs import JobId

_kind, _kind_check = tables.state("kind", RecurrenceKind)
_overlap, _overlap_check = tables.state("overlap", Overlap)
_catch_up, _catch_up_check = tables.state("catch_up", CatchUp)
_status, _status_check = tables.state("status", ScheduleStatus)
_end_reason, _end_reason_check = tables.state("end_reason", EndReason, nullable=True)
_firing_status, _firing_status_check = tables.state("status", FiringStatus)
_next_fire_at = tables.moment("next_fire_at", nullable=True)

schedules = Table(
    "schedules",
    tables.metadata,
    tables.key(),
    tables.guid(ScheduleId),
    tables.reference("workspace_id", WorkspaceId),
    Column("name", String(200), nullable=False),
    _kind,
    _kind_check,
    Column("spec", String(200), nullable=False),
    Column("text", String(200)),
    Column("time_zone", String(60), nullable=False),
    tables.reference("workflow_id", WorkflowId, nullable=True),
    tables.reference("agent_id", AgentId, nullable=True),
    Column("input_data", tables.Json, nullable=False),
    _overlap,
    _overlap_check,
    _catch_up,
    _catch_up_check,
    Column("max_firings", Integer),
    tables.moment("expires_at", nullable=True),
    _status,
    _status_check,
    _end_reason,
    _end_reason_check,
    tables.moment("anchor_at"),
    _next_fire_at,
    # The one job that waits for the next due moment.
    tables.reference("job_id", JobId, nullable=True),
    tables.moment("last_fired_at", nullable=True),
    tables.reference("last_run_id", RunId, nullable=True),
    Column("firings", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    tables.reference("created_by", UserId, nullable=True),
    Column("extra", tables.Json, nullable=False),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_schedules_workspace_id_id", "workspace_id", "id"),
    Index(
        "ix_schedules_next_fire_at",
        "next_fire_at",
        sqlite_where=_next_fire_at.is_not(None),
        postgresql_where=_next_fire_at.is_not(None),
    ),
)

schedule_firings = Table(
    "schedule_firings",
    tables.metadata,
    tables.key(),
    tables.guid(FiringId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("schedule_id", ScheduleId),
    tables.moment("due_at"),
    tables.moment("fired_at"),
    _firing_status,
    _firing_status_check,
    Column("missed", Integer, nullable=False),
    Column("by_hand", Boolean, nullable=False),
    tables.reference("run_id", RunId, nullable=True),
    Column("code", String(80)),
    Column("error", Text),
    Index("ix_schedule_firings_schedule_id_id", "schedule_id", "id"),
    Index("ix_schedule_firings_workspace_id_fired_at", "workspace_id", "fired_at"),
    # Each due moment once, whoever comes second.
    Index("uq_schedule_firings_schedule_id_due_at", "schedule_id", "due_at", unique=True),
)
