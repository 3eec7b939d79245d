"""Chat: conversations with agents and models, their tool calls with verdicts, decisions in place."""

from interlock.faces.dashboard.areas.chat import doing, following, showing
from interlock.faces.dashboard.routing import action, page

ROUTES = (
    page("/chat", showing.start),
    page("/chat/list", showing.listed),
    action("/chat/new", doing.open_),
    page("/chat/work/{run_id}", showing.work),
    page("/chat/{conversation_id}", showing.thread),
    page("/chat/{conversation_id}/thread", showing.talk),
    page("/chat/{conversation_id}/stream/{run_id}", following.stream),
    action("/chat/{conversation_id}/say", doing.say),
    action("/chat/{conversation_id}/stop", doing.stop),
    action("/chat/{conversation_id}/regenerate", doing.regenerate),
    action("/chat/{conversation_id}/change", doing.change),
    action("/chat/{conversation_id}/delete", doing.delete),
    action("/chat/work/{run_id}/decide/{approval_id}", doing.decide),
)
