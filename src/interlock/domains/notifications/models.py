"""Tables of the notifications domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from interlock.domains.notifications.states import Channel, NotificationState
from interlock.domains.notifications.views import NotificationId
from interlock.domains.tools.views import ToolCallId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_channel, _channel_check = tables.state("channel", Channel)
_state, _state_check = tables.state("state", NotificationState)

notifications = Table(
    "notifications",
    tables.metadata,
    tables.key(),
    tables.guid(NotificationId),
    tables.reference("workspace_id", WorkspaceId),
    # The delivery that brought the news: the same when it is brought again.
    Column("source", String(80), nullable=False),
    Column("event", String(80), nullable=False),
    _channel,
    _channel_check,
    _state,
    _state_check,
    Column("title", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", tables.Json, nullable=False),
    Column("error", Text),
    Column("attempts", Integer, nullable=False),
    tables.reference("call_id", ToolCallId, nullable=True),
    tables.moment("created_at"),
    tables.moment("settled_at", nullable=True),
    Index("ix_notifications_workspace_id_id", "workspace_id", "id"),
    Index("ix_notifications_workspace_id_created_at", "workspace_id", "created_at"),
    Index("ix_notifications_workspace_id_call_id", "workspace_id", "call_id"),
    Index("uq_notifications_workspace_id_source_channel", "workspace_id", "source", "channel", unique=True),
)
