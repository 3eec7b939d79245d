"""Operations on conversations, and what other domains do with them: open a thread, hold its turn, add messages."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from interlock.domains.conversations.errors import not_the_last
from interlock.domains.conversations.events import ConversationStarted
from interlock.domains.conversations.history import recent
from interlock.domains.conversations.models import conversations
from interlock.domains.conversations.repository import Conversations, Messages
from interlock.domains.conversations.states import Channel, MessageRole, MessageStatus
from interlock.domains.conversations.turns import Turn
from interlock.domains.conversations.views import Conversation, ConversationId, Message, MessageId, Thread
from interlock.kit.errors import invalid
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import MAXIMUM_LIMIT, Page, PageQuery
from interlock.kit.patch import changes
from interlock.runtime.context import Ctx
from interlock.runtime.repository import insert_if_absent
from interlock.runtime.search import Collection, Entry, Query

__all__ = [
    "Append",
    "ConversationRef",
    "CreateConversation",
    "GetConversation",
    "ListConversations",
    "NewMessage",
    "OpenThread",
    "Turn",
    "UpdateConversation",
    "append",
    "create",
    "delete",
    "get",
    "list_",
    "newest",
    "opened",
    "recent",
    "retract",
    "take_turn",
    "update",
]

SCOPE = "chatbots"
MESSAGES = Collection("messages", by_meaning=False)
_MOST_HITS = 500
_TITLE_LENGTH = 80
_LAST_SEQUENCE = 2**31 - 1
_MOST_EXTRA = 100

Title = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S", description="What people call it.")]
Subject = Annotated[str, Field(max_length=100, description="What it is held with, such as a chatbot's id.")]
SessionKey = Annotated[str, Field(min_length=1, max_length=400, description="The outside world's name of it.")]
Extra = Annotated[dict[str, Any], Field(max_length=_MOST_EXTRA, description="What only your client knows of it.")]
Sequence = Annotated[int, Field(ge=1, le=_LAST_SEQUENCE)]


class CreateConversation(Command):
    """What a thread begins with."""

    channel: Channel = Channel.API
    title: Title | None = None
    subject: Subject = ""
    session_key: SessionKey | None = None
    extra: Extra = Field(default_factory=dict)


class ListConversations(PageQuery):
    """Which threads, and which page of them; archived ones only when asked for."""

    q: Annotated[
        str | None, Field(min_length=1, max_length=1000, description="Words of their messages; best matches first.")
    ] = None
    channel: Channel | None = None
    subject: Subject | None = None
    archived: bool = False
    pinned: bool | None = None
    since: Annotated[AwareDatetime | None, Field(description="With a message at this time or later.")] = None


class ConversationRef(Command):
    """Which conversation."""

    conversation_id: ConversationId


class GetConversation(ConversationRef):
    """Which conversation, and how much of it."""

    limit: Annotated[int, Field(ge=1, le=MAXIMUM_LIMIT, description="How many of its messages.")] = 50
    before: Annotated[Sequence | None, Field(description="Only messages with a lower sequence.")] = None


class UpdateConversation(ConversationRef):
    """The fields to set; absent ones stay, and setting what is set already changes nothing."""

    title: Title | None = None
    pinned: bool | None = None
    starred: bool | None = None
    archived: bool | None = None
    read: Annotated[bool | None, Field(description="True: nothing is unread any more.")] = None
    extra: Extra | None = None


@operation("conversations.list", scope=SCOPE)
async def list_(ctx: Ctx, command: ListConversations) -> Page[Conversation]:
    """List conversations: pinned ones first, then those with the newest messages; by words, the best matches."""
    return await Conversations(ctx).matching(
        command,
        channel=command.channel,
        subject=command.subject,
        archived=command.archived,
        pinned=command.pinned,
        since=command.since,
        ranked=None if command.q is None else await _with_words(ctx, command.q, command),
    )


async def _with_words(ctx: Ctx, words: str, command: ListConversations) -> list[ConversationId]:
    """The threads in whose messages the words occur, best match first."""
    labels = [{_label(name, str(value))} for name in ("channel", "subject") if (value := getattr(command, name))]
    hits = await MESSAGES.search(ctx, Query(words, top_k=_MOST_HITS, labels=labels))
    return await Messages(ctx).threads_of([hit.number for hit in hits])


def _label(name: str, value: str) -> str:
    return f"{name}:{value}"


@operation("conversations.get", scope=SCOPE)
async def get(ctx: Ctx, command: GetConversation) -> Thread:
    """Show a conversation with its last messages, oldest of them first."""
    conversation = await Conversations(ctx).get(command.conversation_id)
    return Thread(
        conversation=conversation,
        messages=await newest(ctx, conversation.id, command.limit, before=command.before),
    )


@operation("conversations.create", scope=SCOPE, effect=Effect.WRITE)
async def create(ctx: Ctx, command: CreateConversation) -> Conversation:
    """Begin a conversation."""
    return await Conversations(ctx).add(ConversationId.new(), **_fresh(ctx, command))


@operation("conversations.update", scope=SCOPE, effect=Effect.WRITE)
async def update(ctx: Ctx, command: UpdateConversation) -> Conversation:
    """Rename, pin, star or archive a conversation, or mark it read."""
    values = changes(command, "conversation_id", "read")
    for required in ("pinned", "starred", "archived", "extra"):
        if required in values and values[required] is None:
            raise invalid(f"'{required}' cannot be null; leave it out to keep it.", field=required)
    if command.read:
        values["unread_count"] = 0
    elif "read" in command.model_fields_set:
        raise invalid("'read' can only be true.", field="read", hint="Leave it out to keep what is unread.")
    return await Conversations(ctx).change(command.conversation_id, {**values, "updated_at": ctx.now})


@operation("conversations.delete", scope=SCOPE, effect=Effect.WRITE)
async def delete(ctx: Ctx, command: ConversationRef) -> ConversationId:
    """Delete a conversation with all its messages."""
    await Conversations(ctx).remove(command.conversation_id)
    await MESSAGES.remove(ctx, await Messages(ctx).drop(command.conversation_id))
    return command.conversation_id


class OpenThread(Command):
    """A thread by the name the outside world has for it."""

    channel: Channel
    subject: Subject
    session_key: SessionKey
    extra: Extra = Field(default_factory=dict)


async def opened(ctx: Ctx, command: OpenThread) -> Conversation:
    """The thread with this session key, begun now if there is none; inside a unit of work."""
    threads = Conversations(ctx)
    wanted = (command.channel, command.subject, command.session_key)
    found = await threads.by_session(*wanted)
    if found is None:
        values = {"guid": ConversationId.new(), "workspace_id": ctx.workspace_id, **_fresh(ctx, command)}
        await insert_if_absent(ctx, conversations, values)
        found = await threads.by_session(*wanted)
    if found is None:
        raise RuntimeError("a thread that was there, or was made, cannot be found")
    return found


async def take_turn(ctx: Ctx, conversation_id: ConversationId, patience: float) -> Turn:
    """Wait for the right to answer in a conversation; outside any unit of work.

    Args:
        patience: seconds.

    Raises:
        InterlockError: CONFLICT turn_in_progress when others took longer.
    """
    turn = Turn(ctx, conversation_id)
    await turn.take(patience)
    return turn


class NewMessage(Command):
    """A message to be stored."""

    role: MessageRole
    content: str
    status: MessageStatus = MessageStatus.COMPLETE
    parts: tuple[dict[str, Any], ...] = ()
    sources: tuple[dict[str, Any], ...] = ()
    model: str | None = None
    tokens: int | None = None
    cost: Decimal | None = None


class Append(Command):
    """Messages that follow one another in a conversation."""

    conversation_id: ConversationId
    messages: Annotated[tuple[NewMessage, ...], Field(min_length=1)]


async def append(ctx: Ctx, command: Append) -> Conversation:
    """Add messages at the end of a thread, all or none; inside a unit of work.

    Numbers are given out under the thread's row lock, so that they have no gap however many add at a time.
    """
    said = [message.content for message in command.messages if message.role is MessageRole.USER]
    title = _title_of(said[0]) if said else None
    conversation = await Conversations(ctx).count_in(command.conversation_id, len(command.messages), len(said), title)
    first = conversation.message_count - len(command.messages) + 1
    rows = [_row(ctx, command.conversation_id, first + place, new) for place, new in enumerate(command.messages)]
    messages = Messages(ctx)
    await messages.add_all(rows)
    labels = (_label("channel", conversation.channel.value), _label("subject", conversation.subject))
    stored = await messages.newest(conversation.id, len(rows), _LAST_SEQUENCE)
    # What was withheld is on record for its owner, not to be come upon.
    found_by = [message for message in stored if message.status is not MessageStatus.WITHHELD]
    await MESSAGES.put(ctx, [Entry(message.number, message.content, labels) for message in found_by])
    if first == 1:
        subject, channel = conversation.subject, conversation.channel
        await ctx.emit(ConversationStarted(conversation_id=conversation.id, channel=channel, subject=subject))
    return conversation


async def newest(
    ctx: Ctx, conversation_id: ConversationId, most: int, *, before: int | None = None
) -> tuple[Message, ...]:
    """The last messages of a thread, oldest of them first; inside a unit of work."""
    return await Messages(ctx).newest(conversation_id, most, before or _LAST_SEQUENCE)


async def retract(ctx: Ctx, conversation_id: ConversationId, message_id: MessageId) -> None:
    """Take back the last message of a thread, inside a unit of work, so that another can be given in its place.

    Raises:
        InterlockError: CONFLICT when it is not the last one any more.
    """
    number = await Messages(ctx).drop_last(conversation_id, message_id)
    if number is None:
        raise not_the_last()
    await Conversations(ctx).count_in(conversation_id, -1, 0, None)
    await MESSAGES.remove(ctx, [number])


def _fresh(ctx: Ctx, command: CreateConversation | OpenThread) -> dict[str, Any]:
    now: datetime = ctx.now
    return {
        "channel": command.channel,
        "title": command.title if isinstance(command, CreateConversation) else None,
        "subject": command.subject,
        "session_key": command.session_key,
        "pinned": False,
        "starred": False,
        "archived": False,
        "unread_count": 0,
        "message_count": 0,
        "active_at": now,
        "last_message_at": None,
        "extra": command.extra,
        "created_at": now,
        "updated_at": now,
    }


def _row(ctx: Ctx, conversation_id: ConversationId, sequence: int, new: NewMessage) -> dict[str, Any]:
    return {
        "guid": MessageId.new(),
        "workspace_id": ctx.workspace_id,
        "conversation_id": conversation_id,
        "sequence": sequence,
        "role": new.role,
        "status": new.status,
        "content": new.content,
        "parts": list(new.parts),
        "sources": list(new.sources),
        "model": new.model,
        "tokens": new.tokens,
        "cost": new.cost,
        "created_at": ctx.now,
    }


def _title_of(text: str) -> str | None:
    """The beginning of the first message, as a line."""
    line = " ".join(text.split())
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1] + "…"
