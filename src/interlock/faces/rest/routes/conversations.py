"""Routes about conversations."""

from interlock.domains.conversations import service as conversations
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.conversations import ConversationReply, ThreadReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/conversations", conversations.list_, list[ConversationReply]),
    route("POST", "/api/v1/conversations", conversations.create, ConversationReply),
    route("GET", "/api/v1/conversations/{conversation_id}", conversations.get, ThreadReply),
    route("PATCH", "/api/v1/conversations/{conversation_id}", conversations.update, ConversationReply),
    route("DELETE", "/api/v1/conversations/{conversation_id}", conversations.delete, Deleted),
)
