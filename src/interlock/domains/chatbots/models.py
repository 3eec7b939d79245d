"""Tables of the chatbots domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from interlock.domains.chatbots.states import ChatbotStatus, WidgetPosition
from interlock.domains.chatbots.views import ChatbotId, EmbedId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_status, _status_check = tables.state("status", ChatbotStatus)
_position, _position_check = tables.state("position", WidgetPosition)

chatbots = Table(
    "chatbots",
    tables.metadata,
    tables.key(),
    tables.guid(ChatbotId),
    tables.reference("workspace_id", WorkspaceId),
    Column("embed_id", tables.IdType(EmbedId), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("model", String(200), nullable=False),
    Column("system_prompt", Text),
    Column("knowledge_base", tables.Json, nullable=False),
    Column("title", String(100)),
    Column("greeting", String(1000)),
    Column("color", String(7)),
    _position,
    _position_check,
    Column("allowed_origins", tables.Json),
    Column("messages_per_minute", Integer),
    Column("max_tokens", Integer, nullable=False),
    Column("history_tokens", Integer, nullable=False),
    _status,
    _status_check,
    tables.moment("created_at"),
    tables.moment("updated_at"),
    Index("ix_chatbots_workspace_id_id", "workspace_id", "id"),
)
