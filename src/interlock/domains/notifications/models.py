"""Tables of the notifications domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from interlock.domains.notifications.states import Channel, NotificationKind, NotificationLevel, NotificationState
from interlock.domains.notifications.views import InboxItemId, NotificationId
from interlock.domains.tools.views import ToolCallId
from interlock.runtime import tables
from interlock.runtime.context import UserId, WorkspaceId

_channel, _channel_check = tables.state("channel", Channel)
_state, _state_check = tables.state("state", NotificationState)
_kind, _kind_check = tables.state("kind", NotificationKind)
_level, _level_check = tables.state("level", NotificationLevel)

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

_read_at = tables.moment("read_at", nullable=True)
inbox_items = Table(
    "inbox_items",
    tables.metadata,
    tables.key(),
    tables.guid(InboxItemId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("user_id", UserId),
    # Of news that may be brought twice: the same then.
    Column("source", String(120)),
    _kind,
    _kind_check,
    _level,
    _level_check,
    Column("title", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("subject_kind", String(40)),
    Column("subject_id", String(200)),
    _read_at,
    tables.moment("created_at"),
    Index("ix_inbox_items_workspace_id_id", "workspace_id", "id"),
    Index("ix_inbox_items_workspace_id_created_at", "workspace_id", "created_at"),
    Index("uq_inbox_items_workspace_id_source", "workspace_id", "source", unique=True),
    Index(
        "ix_inbox_items_unread",
        "workspace_id",
        "user_id",
        "id",
        sqlite_where=_read_at.is_(None),
        postgresql_where=_read_at.is_(None),
    ),
)
