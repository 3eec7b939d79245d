"""Routes about chats; the stream of an answer is in `streams`."""

from interlock.domains.chats import service as chats
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.chats import ChatReply, ChatThreadReply, TurnReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/v1/chats", chats.list_, list[ChatReply]),
    route("POST", "/api/v1/chats", chats.open_, ChatReply),
    route("GET", "/api/v1/chats/{conversation_id}", chats.get, ChatThreadReply),
    route("DELETE", "/api/v1/chats/{conversation_id}", chats.delete, Deleted),
    route("POST", "/api/v1/chats/{conversation_id}/messages", chats.say, TurnReply),
    route("POST", "/api/v1/chats/{conversation_id}/regenerate", chats.regenerate, TurnReply),
    route("POST", "/api/v1/chats/{conversation_id}/stop", chats.stop, TurnReply),
)
