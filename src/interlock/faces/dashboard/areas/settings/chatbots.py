"""Chatbots: what they are made of, how they look, where they may stand, and the tag that puts them there."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from interlock.domains.chatbots import service as chatbots
from interlock.domains.chatbots.states import ChatbotStatus, WidgetPosition
from interlock.domains.chatbots.views import Chatbot
from interlock.domains.documents import service as documents
from interlock.domains.llm import service as llm
from interlock.faces.dashboard.areas.settings.sections import section
from interlock.faces.dashboard.fields import given, or_null, query_without, words_of
from interlock.faces.dashboard.refusals import Problems, problems_of
from interlock.faces.dashboard.render import go
from interlock.faces.dashboard.routing import action, page
from interlock.faces.dashboard.visits import Visit
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Nothing
from interlock.kit.paging import MAXIMUM_LIMIT

_TEXTS = ("system_prompt", "title", "greeting", "color", "messages_per_minute")
_FIELDS = (*_TEXTS, "name", "model", "position", "max_tokens", "allowed_origins")


async def index(visit: Visit) -> Response:
    """All chatbots."""
    query = {key: value for key, value in visit.query.items() if key == "offset"}
    found = await visit.call(chatbots.list_, visit.command(chatbots.ListChatbots, query))
    return section(visit, "settings/chatbots.html", found=found, onward=query_without(query, "offset"))


async def new(visit: Visit) -> Response:
    """The form of a new chatbot."""
    return await _form(visit, None, {"model": "default", "color": "#2457d6", "max_tokens": "1024"}, ())


async def create(visit: Visit) -> Response:
    """Make a chatbot, as a draft."""
    form, lists = await visit.form(), await visit.form_lists()
    chosen = tuple(lists.get("knowledge_base", []))
    try:
        values = {**_values(form), "knowledge_base": chosen}
        values = {name: value for name, value in values.items() if value is not None}
        made = await visit.call(chatbots.create, visit.command(chatbots.CreateChatbot, values))
    except InterlockError as error:
        return await _form(visit, None, form, chosen, problems_of(error))
    return go(visit, f"/settings/chatbots/{made.id}", said="It is a draft: deploy it, and it answers.")


async def show(visit: Visit) -> Response:
    """One chatbot: its embed code, its looks, and its form."""
    found = await _chatbot(visit)
    values = {name: str(getattr(found, name) or "") for name in (*_TEXTS, "name", "model", "max_tokens")}
    values |= {"position": found.position.value, "allowed_origins": "\n".join(found.allowed_origins or ())}
    return await _form(visit, found, values, tuple(str(each) for each in found.knowledge_base))


async def update(visit: Visit) -> Response:
    """Change a chatbot."""
    found, form, lists = await _chatbot(visit), await visit.form(), await visit.form_lists()
    chosen = tuple(lists.get("knowledge_base", []))
    try:
        values = {**_values(form), "knowledge_base": chosen}
        await visit.call(chatbots.update, visit.command(chatbots.UpdateChatbot, values, "chatbot_id"))
    except InterlockError as error:
        return await _form(visit, found, form, chosen, problems_of(error))
    return go(visit, f"/settings/chatbots/{found.id}", said="Changed.")


async def switch(visit: Visit) -> Response:
    """Deploy a chatbot, or take it back."""
    wanted = (await visit.form()).get("status", "")
    found = await visit.call(chatbots.update, visit.command(chatbots.UpdateChatbot, {"status": wanted}, "chatbot_id"))
    said = "It answers on your pages." if found.status is ChatbotStatus.DEPLOYED else "It answers no more."
    return go(visit, f"/settings/chatbots/{found.id}", said=said)


async def delete(visit: Visit) -> Response:
    """Remove a chatbot."""
    await visit.call(chatbots.delete, visit.command(chatbots.ChatbotRef, {}, "chatbot_id"))
    return go(visit, "/settings/chatbots", said="The chatbot is gone; its conversations stay.")


async def _chatbot(visit: Visit) -> Chatbot:
    return await visit.call(chatbots.get, visit.command(chatbots.ChatbotRef, {}, "chatbot_id"))


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    origins = words_of(form, "allowed_origins")
    return {
        **given(form, "name", "model", "position", "max_tokens"),
        **or_null(form, *_TEXTS),
        "allowed_origins": origins or None,
    }


async def _form(
    visit: Visit,
    chatbot: Chatbot | None,
    values: Mapping[str, str],
    chosen: tuple[str, ...],
    problems: Problems | None = None,
) -> Response:
    base = visit.ctx.settings.base_url
    tag = (
        None
        if chatbot is None
        else f'<script src="{base}/embed.js" data-chatbot-id="{chatbot.embed_id}" async></script>'
    )
    known = await visit.call(documents.list_, documents.ListDocuments(limit=MAXIMUM_LIMIT))
    return section(
        visit,
        "settings/chatbot.html",
        status=422 if problems else 200,
        chatbot=chatbot,
        tag=tag,
        values={**dict.fromkeys(_FIELDS, ""), **values},
        chosen=chosen,
        documents=known.items,
        models=sorted({model.id for model in await visit.call(llm.models, Nothing()) if not model.embeds}),
        positions=tuple(WidgetPosition),
        problems=problems or Problems(),
    )


ROUTES = (
    page("/settings/chatbots", index),
    page("/settings/chatbots/new", new),
    action("/settings/chatbots/new", create),
    page("/settings/chatbots/{chatbot_id}", show),
    action("/settings/chatbots/{chatbot_id}", update),
    action("/settings/chatbots/{chatbot_id}/switch", switch),
    action("/settings/chatbots/{chatbot_id}/delete", delete),
)
