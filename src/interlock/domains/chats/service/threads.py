"""Operations on chats as wholes: open, list, show, delete. Renaming, pinning and archiving are of conversations."""

from typing import Annotated

from pydantic import Field

from interlock.domains.agents import service as agents
from interlock.domains.chats.repository import Chats, Turns
from interlock.domains.chats.states import TurnState
from interlock.domains.chats.views import Chat, ChatThread, Partner
from interlock.domains.conversations import service as conversations
from interlock.domains.conversations.states import Channel
from interlock.domains.conversations.views import Conversation, ConversationId
from interlock.domains.documents import service as documents
from interlock.domains.documents.views import DocumentId
from interlock.domains.llm import service as llm
from interlock.domains.runs import service as runs
from interlock.kit.errors import invalid
from interlock.kit.ids import AgentId, RunId
from interlock.kit.operations import Command, Effect, operation
from interlock.kit.paging import MAXIMUM_LIMIT, Page, PageQuery
from interlock.runtime.context import Ctx

SCOPE = "agents"
_LAST_SEQUENCE = 2**31 - 1

Knowledge = Annotated[
    tuple[DocumentId, ...], Field(max_length=100, description="Documents to draw answers from, and to cite.")
]


class OpenChat(Command):
    """With whom: an agent or a model, one of the two."""

    agent_id: AgentId | None = None
    model: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Model id, prefix, alias or route.")
    ] = None
    title: Annotated[str | None, Field(min_length=1, max_length=300, pattern=r"\S")] = None
    knowledge: Knowledge = ()


class ChatRef(Command):
    """Which chat."""

    conversation_id: ConversationId


class ListChats(PageQuery):
    """Which chats, and which page of them; archived ones only when asked for."""

    q: Annotated[
        str | None, Field(min_length=1, max_length=1000, description="Words of their messages; best matches first.")
    ] = None
    agent_id: AgentId | None = None
    pinned: bool | None = None
    archived: bool = False


class GetChat(ChatRef):
    """Which chat, and how much of it."""

    limit: Annotated[int, Field(ge=1, le=MAXIMUM_LIMIT, description="How many of its messages.")] = 50
    before: Annotated[
        int | None, Field(ge=1, le=_LAST_SEQUENCE, description="Only messages with a lower sequence.")
    ] = None


@operation("chats.open", scope=SCOPE, effect=Effect.WRITE)
async def open_(ctx: Ctx, command: OpenChat) -> Chat:
    """Begin a conversation with an agent or with a model."""
    if (command.agent_id is None) == (command.model is None):
        raise invalid("Name an agent or a model, one of the two.", field="agent_id", hint="Send 'agent_id' or 'model'.")
    if command.agent_id is not None:
        name = (await agents.get(ctx, agents.AgentRef(agent_id=command.agent_id))).name
    else:
        name = command.model or ""
        await llm.window_of(ctx, name)  # refuses a model nobody serves
    unknown = await documents.missing(ctx, command.knowledge) if command.knowledge else ()
    if unknown:
        raise invalid(f"There is no document '{unknown[0]}'.", field="knowledge", hint="Upload it first.")
    subject = "" if command.agent_id is None else str(command.agent_id)
    begun = conversations.CreateConversation(channel=Channel.CHAT, title=command.title, subject=subject)
    conversation = await conversations.create(ctx, begun)
    partner = await Chats(ctx).add(
        conversation.id,
        agent_id=command.agent_id,
        model=command.model,
        name=name,
        knowledge=[str(key) for key in command.knowledge],
        created_at=ctx.now,
    )
    return _chat(conversation, partner, None)


@operation("chats.list", scope=SCOPE)
async def list_(ctx: Ctx, command: ListChats) -> Page[Chat]:
    """List conversations with agents and models, pinned ones first, then those with the newest messages."""
    wanted = conversations.ListConversations(
        **command.model_dump(exclude={"agent_id"}),
        channel=Channel.CHAT,
        subject=None if command.agent_id is None else str(command.agent_id),
    )
    page = await conversations.list_(ctx, wanted)
    keys = [conversation.id for conversation in page.items]
    partners = await Chats(ctx).of(keys)
    answering = await Turns(ctx).answering(keys)
    # A client may have begun a conversation on this channel by itself: nobody answers there.
    found = [_chat(each, partners[each.id], answering.get(each.id)) for each in page.items if each.id in partners]
    return Page(tuple(found), page.limit, page.offset)


@operation("chats.get", scope=SCOPE)
async def get(ctx: Ctx, command: GetChat) -> ChatThread:
    """Show a chat with its last messages, and what became of the answers to them."""
    partner = await Chats(ctx).get(command.conversation_id)
    thread = await conversations.get(ctx, conversations.GetConversation(**command.model_dump()))
    turns = Turns(ctx)
    first = thread.messages[0].sequence if thread.messages else 0
    last = await turns.last(partner.id)
    answering = last.id if last is not None and last.state is TurnState.ANSWERING else None
    return ChatThread(
        chat=_chat(thread.conversation, partner, answering),
        messages=thread.messages,
        turns=await turns.since(partner.id, first),
    )


@operation("chats.delete", scope=SCOPE, effect=Effect.WRITE)
async def delete(ctx: Ctx, command: ChatRef) -> ConversationId:
    """Delete a chat with all its messages; an answer under way is stopped, and the runs stay on record."""
    await Chats(ctx).hold(command.conversation_id)
    await Chats(ctx).remove(command.conversation_id)
    turns = Turns(ctx)
    last = await turns.last(command.conversation_id)
    if last is not None and last.state is TurnState.ANSWERING and await runs.is_unfinished(ctx, last.id):
        await runs.cancel(ctx, runs.RunRef(run_id=last.id))
    await turns.drop(command.conversation_id)
    return await conversations.delete(ctx, conversations.ConversationRef(conversation_id=command.conversation_id))


def _chat(conversation: Conversation, partner: Partner, answering: RunId | None) -> Chat:
    return Chat(
        id=conversation.id,
        title=conversation.title,
        agent_id=partner.agent_id,
        model=partner.model,
        name=partner.name,
        knowledge=partner.knowledge,
        pinned=conversation.pinned,
        archived=conversation.archived,
        message_count=conversation.message_count,
        answering=answering,
        active_at=conversation.active_at,
        created_at=conversation.created_at,
    )
