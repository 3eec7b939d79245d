"""Native replies about the system log."""

from uuid import UUID

from interlock.domains.activity.views import LogEntryId
from interlock.faces.rest.wire.base import Timestamp, Wire
from interlock.runtime.context import ActorKind


class LogRow(Wire):
    """One writing call."""

    id: LogEntryId
    at: Timestamp
    operation: str
    actor_kind: ActorKind
    actor_id: UUID | None
    actor_label: str
    subject: str | None
    face: str
    request_id: str
