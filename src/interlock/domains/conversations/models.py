"""Tables of the conversations domain."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from interlock.domains.conversations.states import Channel, MessageRole, MessageStatus
from interlock.domains.conversations.views import ConversationId, MessageId
from interlock.kit.ids import TypedId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_channel, _channel_check = tables.state("channel", Channel)
_role, _role_check = tables.state("role", MessageRole)
_status, _status_check = tables.state("status", MessageStatus)

conversations = Table(
    "conversations",
    tables.metadata,
    tables.key(),
    tables.guid(ConversationId),
    tables.reference("workspace_id", WorkspaceId),
    _channel,
    _channel_check,
    Column("title", String(300)),
    Column("subject", String(100), nullable=False),
    Column("session_key", String(400)),
    Column("pinned", Boolean, nullable=False),
    Column("starred", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("unread_count", Integer, nullable=False),
    Column("message_count", Integer, nullable=False),
    tables.moment("active_at"),
    tables.moment("last_message_at", nullable=True),
    Column("extra", tables.Json, nullable=False),
    # Whose turn it is, and until when that is believed without a sign of life.
    tables.reference("turn", TypedId, nullable=True),
    tables.moment("turn_until", nullable=True),
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("uq_conversations_session", "workspace_id", "channel", "subject", "session_key", unique=True),
    Index("ix_conversations_order", "workspace_id", "archived", "pinned", "active_at", "id"),
)

messages = Table(
    "messages",
    tables.metadata,
    tables.key(),
    tables.guid(MessageId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("conversation_id", ConversationId),
    Column("sequence", Integer, nullable=False),
    _role,
    _role_check,
    _status,
    _status_check,
    Column("content", Text, nullable=False),
    Column("parts", tables.Json, nullable=False),
    Column("sources", tables.Json, nullable=False),
    Column("model", String(200)),
    Column("tokens", Integer),
    tables.money("cost", nullable=True),
    tables.moment("created_at"),
    Index("uq_messages_conversation_id_sequence", "conversation_id", "sequence", unique=True),
)
