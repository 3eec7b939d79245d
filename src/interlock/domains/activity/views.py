"""What faces see of the system log."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from interlock.kit.ids import TypedId
from interlock.kit.operations import View
from interlock.runtime.context import ActorKind


class LogEntryId(TypedId):
    """One row of the system log."""

    prefix: ClassVar[str] = "log"


class LogEntry(View):
    """One writing call that succeeded."""

    id: LogEntryId
    number: int
    at: datetime
    operation: str
    actor_kind: ActorKind
    actor_id: UUID | None
    actor_label: str
    subject: str | None
    face: str
    request_id: str
