"""Routes about chatbots, for their owners; what visitors reach is in `embed`."""

from interlock.domains.chatbots import service as chatbots
from interlock.faces.rest.binding import NativeRoute, route
from interlock.faces.rest.wire.base import Deleted
from interlock.faces.rest.wire.chatbots import ChatbotCreated, ChatbotDetail, ChatbotRow, ChatbotUpdated, WidgetReply

ROUTES: tuple[NativeRoute, ...] = (
    route("GET", "/api/embed/{embed_id}", chatbots.widget, WidgetReply, allowed=None, owner=chatbots.owner_of),
    route("GET", "/api/v1/chatbots", chatbots.list_, list[ChatbotRow]),
    route("POST", "/api/v1/chatbots", chatbots.create, ChatbotCreated),
    route("GET", "/api/v1/chatbots/{chatbot_id}", chatbots.get, ChatbotDetail),
    route("PATCH", "/api/v1/chatbots/{chatbot_id}", chatbots.update, ChatbotUpdated),
    route("DELETE", "/api/v1/chatbots/{chatbot_id}", chatbots.delete, Deleted),
)
