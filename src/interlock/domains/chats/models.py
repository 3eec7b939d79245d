"""Tables of the chats domain."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from interlock.domains.chats.states import TurnState
from interlock.domains.conversations.views import ConversationId, MessageId
from interlock.kit.ids import AgentId, RunId
from interlock.runtime import tables
from interlock.runtime.context import WorkspaceId

_state, _state_check = tables.state("state", TurnState)

chats = Table(
    "chats",
    tables.metadata,
    tables.key(),
    # A chat is a conversation: it has the identity of that.
    tables.guid(ConversationId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("agent_id", AgentId, nullable=True),
    Column("model", String(200)),
    Column("name", String(200), nullable=False),
    Column("knowledge", tables.Json, nullable=False),
    tables.moment("created_at"),
)

chat_turns = Table(
    "chat_turns",
    tables.metadata,
    tables.key(),
    # An answer is a run: it has the identity of that.
    tables.guid(RunId),
    tables.reference("workspace_id", WorkspaceId),
    tables.reference("conversation_id", ConversationId),
    Column("asked", Integer, nullable=False),
    _state,
    _state_check,
    Column("error", Text),
    tables.reference("answer_id", MessageId, nullable=True),
    tables.moment("started_at"),
    tables.moment("ended_at", nullable=True),
    Index("ix_chat_turns_conversation_id_id", "conversation_id", "id"),
    Index(
        "uq_chat_turns_answering",
        "conversation_id",
        unique=True,
        sqlite_where=text("state = 'answering'"),
        postgresql_where=text("state = 'answering'"),
    ),
)
