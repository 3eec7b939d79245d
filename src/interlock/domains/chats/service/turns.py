"""Operations on the answers in a chat: ask for one, ask again, stop it, follow it."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from interlock.domains.agents import service as agents
from interlock.domains.chats.errors import long_over, nothing_to_repeat, nothing_to_stop, still_answering
from interlock.domains.chats.repository import Chats, Turns
from interlock.domains.chats.service.threads import SCOPE, ChatRef
from interlock.domains.chats.states import TurnState
from interlock.domains.chats.views import ChatTurn, Partner
from interlock.domains.conversations import service as conversations
from interlock.domains.conversations.service import Append, NewMessage
from interlock.domains.conversations.states import MessageRole
from interlock.domains.conversations.views import ConversationId, Message
from interlock.domains.documents import service as documents
from interlock.domains.documents.states import DocumentStatus
from interlock.domains.documents.views import Document, DocumentId
from interlock.domains.llm import service as llm
from interlock.domains.runs import service as runs
from interlock.domains.runs.service.spoken import speech_of
from interlock.domains.runs.states import Trigger
from interlock.domains.runs.views import Run
from interlock.kit.errors import invalid
from interlock.kit.ids import RunId
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx

ATTACHMENT = "attachment"
_MOST_HISTORY = 200
_HISTORY_TOKENS = 8_000
_ATTACHED_CHARACTERS = 60_000
_CHARACTERS_PER_TOKEN = 4
_LONGEST_MESSAGE = 100_000
_MOST_ATTACHMENTS = 10


class SayInChat(ChatRef):
    """What a person says, and the documents that come with it."""

    text: Annotated[str, Field(min_length=1, max_length=_LONGEST_MESSAGE, pattern=r"\S")]
    attachments: Annotated[tuple[DocumentId, ...], Field(max_length=_MOST_ATTACHMENTS)] = ()


class TurnRef(Command):
    """Which answer."""

    run_id: RunId


@operation("chats.say", scope=SCOPE, effect=Effect.WRITE, ai=True)
async def say(ctx: Ctx, command: SayInChat) -> ChatTurn:
    """Say something in a chat; the answer is given by a run that works in the background."""
    partner = await _free(ctx, command.conversation_id)
    attached = [await _attachable(ctx, key) for key in dict.fromkeys(command.attachments)]
    parts = tuple({"kind": ATTACHMENT, "document_id": str(each.id), "title": each.title} for each in attached)
    said = NewMessage(role=MessageRole.USER, content=command.text, parts=parts)
    conversation = await conversations.append(ctx, Append(conversation_id=partner.id, messages=(said,)))
    (message,) = await conversations.newest(ctx, partner.id, 1)
    if message.sequence != conversation.message_count:
        raise RuntimeError("the message that was appended is not the last one")
    return await _answer(ctx, partner, message)


@operation("chats.regenerate", scope=SCOPE, effect=Effect.WRITE, ai=True)
async def regenerate(ctx: Ctx, command: ChatRef) -> ChatTurn:
    """Take back the last answer of a chat and have another one given."""
    partner = await _free(ctx, command.conversation_id)
    last = await Turns(ctx).last(partner.id)
    if last is None:
        raise nothing_to_repeat()
    if last.answer_id is not None:
        await conversations.retract(ctx, partner.id, last.answer_id)
    question = await conversations.newest(ctx, partner.id, 1, before=last.asked + 1)
    if not question:
        raise nothing_to_repeat()
    return await _answer(ctx, partner, question[0])


@operation("chats.stop", scope=SCOPE, effect=Effect.WRITE)
async def stop(ctx: Ctx, command: ChatRef) -> ChatTurn:
    """Stop the answer that is being written; what was said by now is kept."""
    partner = await Chats(ctx).get(command.conversation_id)
    last = await Turns(ctx).last(partner.id)
    if last is None or last.state is not TurnState.ANSWERING:
        raise nothing_to_stop()
    await runs.cancel(ctx, runs.RunRef(run_id=last.id))
    return last


@operation("chats.events", scope=SCOPE)
async def events(ctx: Ctx, command: TurnRef) -> str:
    """Name the stream of what an answer says while it is written, for those who may see it."""
    turn = await Turns(ctx).get(command.run_id)
    name = speech_of(turn.id)
    if turn.state is not TurnState.ANSWERING and not await ctx.runtime.streams.read(ctx, name):
        raise long_over()
    return name


async def _free(ctx: Ctx, conversation_id: ConversationId) -> Partner:
    """The chat, if nobody is answering in it; nobody else will begin to."""
    chats = Chats(ctx)
    await chats.hold(conversation_id)
    partner = await chats.get(conversation_id)
    last = await Turns(ctx).last(partner.id)
    if last is not None and last.state is TurnState.ANSWERING:
        raise still_answering()
    return partner


async def _attachable(ctx: Ctx, document_id: DocumentId) -> Document:
    """A document that was, or may yet be, read."""
    if await documents.missing(ctx, (document_id,)):
        raise invalid(f"There is no document '{document_id}'.", field="attachments", hint="Upload it first.")
    document = await documents.get(ctx, documents.DocumentRef(document_id=document_id))
    if document.status is DocumentStatus.FAILED:
        reason = document.error or "no text was found in it"
        raise invalid(
            f"'{document.title}' cannot be read: {reason}", field="attachments", hint="Send the message without it."
        )
    return document


async def _answer(ctx: Ctx, partner: Partner, question: Message) -> ChatTurn:
    """Start the run that answers a message."""
    run = await _start(ctx, partner, question)
    turns = Turns(ctx)
    return await turns.add(
        run.id,
        conversation_id=partner.id,
        asked=question.sequence,
        state=TurnState.ANSWERING,
        error=None,
        answer_id=None,
        started_at=ctx.now,
        ended_at=None,
    )


async def _start(ctx: Ctx, partner: Partner, question: Message) -> Run:
    about: dict[str, Any] = {"trigger": Trigger.CHAT, "trigger_ref": str(partner.id)}
    task = {"task": question.content}
    if partner.agent_id is None:
        model = partner.model or ""
        asked = runs.AskModel(model=model, input_data=task)
        return await runs.launch_model(ctx, asked, talk=await _talk(ctx, partner, question, model), **about)
    agent = await agents.get(ctx, agents.AgentRef(agent_id=partner.agent_id))
    order = runs.StartAgentRun(agent_id=agent.id, input_data=task)
    return await runs.launch_agent(ctx, order, talk=await _talk(ctx, partner, question, agent.model), **about)


async def _talk(ctx: Ctx, partner: Partner, question: Message, model: str) -> runs.Talk:
    """What the model is told beside the message, as much as its window lets in."""
    window = await llm.window_of(ctx, model) or _HISTORY_TOKENS * 4
    before = await conversations.newest(ctx, partner.id, _MOST_HISTORY, before=question.sequence)
    history = conversations.recent(before, min(_HISTORY_TOKENS, window // 3))
    attached = [DocumentId.parse(part["document_id"]) for part in question.parts if part.get("kind") == ATTACHMENT]
    return runs.Talk(
        history=_said(history),
        knowledge=partner.knowledge,
        attachments=tuple(attached),
        most_attached=min(_ATTACHED_CHARACTERS, window // 4 * _CHARACTERS_PER_TOKEN),
    )


def _said(history: Sequence[Message]) -> tuple[runs.Said, ...]:
    return tuple(runs.Said(by_user=each.role is MessageRole.USER, text=_words(each)) for each in history)


def _words(message: Message) -> str:
    """A message as it is told later: of what came with it, the names."""
    names = [part["title"] for part in message.parts if part.get("kind") == ATTACHMENT]
    return "\n\n".join([message.content, *(["(with: " + ", ".join(names) + ")"] if names else [])])
