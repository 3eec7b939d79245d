"""News of the schedules domain."""

from datetime import datetime
from typing import ClassVar

from interlock.domains.schedules.views import FiringId, ScheduleId
from interlock.kit.ids import RunId
from interlock.runtime.events import Event


class ScheduleFired(Event):
    """A schedule started a run."""

    name: ClassVar[str] = "schedules.fired"

    schedule_id: ScheduleId
    schedule_name: str
    firing_id: FiringId
    run_id: RunId
    due_at: datetime
    missed: int


class ScheduleFailed(Event):
    """A schedule was due, but the run could not be started."""

    name: ClassVar[str] = "schedules.failed"

    schedule_id: ScheduleId
    schedule_name: str
    firing_id: FiringId
    due_at: datetime
    code: str
    error: str


class ScheduleFailing(Event):
    """A schedule has failed several times in a row; published once until it starts a run again."""

    name: ClassVar[str] = "schedules.failing"

    schedule_id: ScheduleId
    schedule_name: str
    failures: int
    code: str
    error: str
