"""Operations on chatbots: define, read, change, deploy, delete; talking to one lives in `talking` and `streaming`."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from interlock.domains.chatbots import repository
from interlock.domains.chatbots.errors import no_such_embed
from interlock.domains.chatbots.events import ChatbotDefined, ChatbotRemoved
from interlock.domains.chatbots.repository import Chatbots
from interlock.domains.chatbots.states import LIFECYCLE, ChatbotStatus, WidgetPosition
from interlock.domains.chatbots.streaming import ReplyStream, stream
from interlock.domains.chatbots.talking import EmbedRef, SayToChatbot, reply
from interlock.domains.chatbots.views import Chatbot, ChatbotId, EmbedId, Widget
from interlock.domains.documents import service as documents
from interlock.domains.documents.views import DocumentId
from interlock.kit.errors import invalid
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import Page, PageQuery
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx, WorkspaceId

__all__ = [
    "ChatbotRef",
    "CreateChatbot",
    "EmbedRef",
    "ListChatbots",
    "ReplyStream",
    "SayToChatbot",
    "UpdateChatbot",
    "create",
    "delete",
    "get",
    "list_",
    "owner_of",
    "reply",
    "stream",
    "update",
    "widget",
]

SCOPE = "chatbots"
DEFAULT_MAX_TOKENS = 1024
DEFAULT_HISTORY_TOKENS = 4000
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}")


def _origin(value: str) -> str:
    """An origin as browsers write it (RFC 6454): scheme, host, and port where it is not the scheme's own."""
    text = value.strip().rstrip("/").lower()
    if _ORIGIN.fullmatch(text) is None:
        raise ValueError("must be an origin such as https://shop.example")
    return text.removesuffix(":443") if text.startswith("https:") else text.removesuffix(":80")


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S", description="What its owner calls it.")]
ModelName = Annotated[str, Field(min_length=1, max_length=200, description="Model id, prefix, alias or route.")]
Prompt = Annotated[str, Field(max_length=200_000, description="Instructions; visitors never see them.")]
Knowledge = Annotated[tuple[DocumentId, ...], Field(max_length=100, description="Documents it may answer from.")]
Title = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S", description="What visitors see it called.")]
Greeting = Annotated[str, Field(max_length=1000, description="What it says before anything is asked.")]
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$", examples=["#2457d6"], description="Of the bubble.")]
Origins = Annotated[
    tuple[Annotated[str, Field(max_length=300), AfterValidator(_origin)], ...],
    Field(min_length=1, max_length=100, description="The only pages it answers on; null: any."),
]
PerMinute = Annotated[int, Field(ge=1, le=10_000, description="Messages of one address, below the server's limit.")]
MaxTokens = Annotated[int, Field(ge=1, le=100_000, description="The most tokens of one answer.")]
HistoryTokens = Annotated[int, Field(ge=0, le=1_000_000, description="How much of a conversation the model is told.")]


class CreateChatbot(Command):
    """What a chatbot is made of."""

    name: Name
    model: ModelName
    system_prompt: Prompt | None = None
    knowledge_base: Knowledge = ()
    title: Title | None = None
    greeting: Greeting | None = None
    color: Color | None = None
    position: WidgetPosition = WidgetPosition.RIGHT
    allowed_origins: Origins | None = None
    messages_per_minute: PerMinute | None = None
    max_tokens: MaxTokens = DEFAULT_MAX_TOKENS
    history_tokens: HistoryTokens = DEFAULT_HISTORY_TOKENS


class ChatbotRef(Command):
    """Which chatbot."""

    chatbot_id: ChatbotId


class UpdateChatbot(ChatbotRef):
    """The fields to change; absent ones stay."""

    name: Name | None = None
    model: ModelName | None = None
    system_prompt: Prompt | None = None
    knowledge_base: Knowledge | None = None
    title: Title | None = None
    greeting: Greeting | None = None
    color: Color | None = None
    position: WidgetPosition | None = None
    allowed_origins: Origins | None = None
    messages_per_minute: PerMinute | None = None
    max_tokens: MaxTokens | None = None
    history_tokens: HistoryTokens | None = None
    status: ChatbotStatus | None = None


class ListChatbots(PageQuery):
    """Which chatbots, and which page of them."""

    status: ChatbotStatus | None = None


_NEVER_NULL = ("name", "model", "knowledge_base", "position", "max_tokens", "history_tokens", "status")


@operation("chatbots.create", scope=SCOPE, effect=Effect.WRITE, ai=True)
async def create(ctx: Ctx, command: CreateChatbot) -> Chatbot:
    """Define a chatbot as a draft and reserve its embed id."""
    await _check_knowledge(ctx, command.knowledge_base)
    values = command.model_dump(exclude={"knowledge_base", "allowed_origins"})
    chatbot = await Chatbots(ctx).add(
        ChatbotId.new(),
        **values,
        **_lists(command),
        embed_id=EmbedId.new(),
        status=ChatbotStatus.DRAFT,
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    await ctx.emit(ChatbotDefined(chatbot_id=chatbot.id))
    return chatbot


@operation("chatbots.get", scope=SCOPE)
async def get(ctx: Ctx, command: ChatbotRef) -> Chatbot:
    """Show one chatbot with its prompt, knowledge, looks and limits."""
    return await Chatbots(ctx).get(command.chatbot_id)


@operation("chatbots.list", scope=SCOPE)
async def list_(ctx: Ctx, command: ListChatbots) -> Page[Chatbot]:
    """List the workspace's chatbots, newest first."""
    return await Chatbots(ctx).page(command, {"status": command.status})


@operation("chatbots.update", scope=SCOPE, effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateChatbot) -> Chatbot:
    """Change a chatbot, deploy it, or take it back."""
    values = changes(command, "chatbot_id", "knowledge_base", "allowed_origins")
    for required in _NEVER_NULL:
        if required in command.model_fields_set and getattr(command, required) is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    chatbots = Chatbots(ctx)
    current = await chatbots.get(command.chatbot_id)
    if command.status is not None and command.status is not current.status:
        LIFECYCLE.check(current.status, command.status)
    await _check_knowledge(ctx, command.knowledge_base or ())
    sent = {name: value for name, value in _lists(command).items() if name in command.model_fields_set}
    chatbot = await chatbots.change(command.chatbot_id, {**values, **sent, "updated_at": ctx.now})
    await ctx.emit(ChatbotDefined(chatbot_id=chatbot.id))
    return chatbot


@operation("chatbots.delete", scope=SCOPE, effect=Effect.WRITE)
async def delete(ctx: Ctx, command: ChatbotRef) -> ChatbotId:
    """Remove a chatbot; its conversations stay until they are deleted themselves."""
    await Chatbots(ctx).remove(command.chatbot_id)
    await ctx.emit(ChatbotRemoved(chatbot_id=command.chatbot_id))
    return command.chatbot_id


@operation("chatbots.widget", public=True)
async def widget(ctx: Ctx, command: EmbedRef) -> Widget:
    """Show how a deployed chatbot presents itself on a page."""
    chatbot = await Chatbots(ctx).deployed(command.embed_id)
    if chatbot is None:
        raise no_such_embed(command.embed_id)
    return Widget(
        title=chatbot.title or chatbot.name,
        greeting=chatbot.greeting,
        color=chatbot.color,
        position=chatbot.position,
    )


async def owner_of(command: EmbedRef, ctx: Ctx) -> WorkspaceId:
    """Whose deployed chatbot an embed id names."""
    found = await repository.owner_of(ctx, command.embed_id)
    if found is None:
        raise no_such_embed(command.embed_id)
    return found


def _lists(command: CreateChatbot | UpdateChatbot) -> dict[str, list[str] | None]:
    """The list fields as JSON holds them."""
    origins = command.allowed_origins
    return {
        "knowledge_base": [str(document) for document in command.knowledge_base or ()],
        "allowed_origins": None if origins is None else list(origins),
    }


async def _check_knowledge(ctx: Ctx, document_ids: tuple[DocumentId, ...]) -> None:
    """Refuse documents that are not this workspace's."""
    missing = await documents.missing(ctx, document_ids) if document_ids else ()
    if missing:
        first = str(missing[0])
        raise invalid(
            f"No knowledge document with id '{first}'.", field="knowledge_base", hint="Upload it first.", id=first
        )
