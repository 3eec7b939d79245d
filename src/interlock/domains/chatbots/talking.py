"""One visitor's turn with a deployed chatbot: who may, what the model is told, what is kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from interlock.domains.chatbots import prompt, sessions
from interlock.domains.chatbots.errors import no_answer, no_such_embed, told_to_visitors, too_many_messages, withheld
from interlock.domains.chatbots.errors import wrong_origin as _wrong_origin
from interlock.domains.chatbots.repository import Chatbots
from interlock.domains.chatbots.views import Chatbot, ChatbotReply, EmbedId
from interlock.domains.conversations import service as conversations
from interlock.domains.conversations.service import Append, NewMessage, OpenThread, Turn
from interlock.domains.conversations.states import Channel, MessageRole, MessageStatus
from interlock.domains.documents import service as documents
from interlock.domains.documents.views import Passage, Source
from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import Caller, Decision
from interlock.domains.llm import service as llm
from interlock.domains.memory import service as memory
from interlock.domains.memory.states import MemoryType, OccasionKind
from interlock.domains.memory.views import Occasion
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.operations import Command, Effect, operation
from interlock.runtime.context import Ctx
from interlock.runtime.rate_limit import limiter_for

PATIENCE_SECONDS = 60.0
"""How long a message waits for the answers to earlier ones of its session."""
_MOST_HISTORY = 200
_LONGEST_MESSAGE = 10_000
_ABOUT = 10_000


class EmbedRef(Command):
    """Which chatbot, as the public knows it."""

    embed_id: EmbedId


class SayToChatbot(EmbedRef):
    """What a visitor says.

    Args:
        session_id: of an earlier reply, or of the caller's own making; None begins a session.
        origin: the page it is said on, as the browser tells.
    """

    message: Annotated[str, Field(min_length=1, max_length=_LONGEST_MESSAGE, pattern=r"\S")]
    session_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    origin: Annotated[str, Field(max_length=1000)] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model made of it."""

    text: str
    status: MessageStatus
    model: str | None = None
    tokens: int | None = None
    cost: Decimal | None = None


@operation("chatbots.reply", effect=Effect.EXTERNAL, public=True, ai=True)
async def reply(ctx: Ctx, command: SayToChatbot) -> ChatbotReply:
    """Answer a visitor of a page, at the cost of the chatbot's owner."""
    exchange = await Exchange.begin(ctx, command)
    try:
        try:
            completion = await llm.complete(ctx, exchange.question)
        except InterlockError as error:
            raise told_to_visitors(error, exchange.chatbot.id) from error
        text = (completion.text or "").strip()
        if not text:
            raise no_answer()
        tokens = completion.usage.input_tokens + completion.usage.output_tokens
        answer = Answer(text, MessageStatus.COMPLETE, completion.model, tokens, completion.cost)
        if not await exchange.keep(answer):
            raise withheld()
        return exchange.reply(answer)
    finally:
        await exchange.aclose()


class Exchange:
    """A question that is being answered; it holds the turn of its conversation, so `aclose` it in any case."""

    def __init__(
        self,
        ctx: Ctx,
        command: SayToChatbot,
        chatbot: Chatbot,
        session_id: str,
        turn: Turn,
        question: llm.CompleteChat,
        sources: tuple[Source, ...],
    ) -> None:
        self.chatbot = chatbot
        self.session_id = session_id
        self.question = question
        self.sources = sources
        self._ctx = ctx
        self._command = command
        self._turn = turn

    @classmethod
    async def begin(cls, ctx: Ctx, command: SayToChatbot) -> "Exchange":
        """Check who asks and whether there is money, wait for the conversation's turn, and put the question together.

        Raises:
            InterlockError: NOT_FOUND for drafts and unknown ids, FORBIDDEN for a page that is not listed,
                RATE_LIMITED, BUDGET_EXCEEDED, or CONFLICT when earlier messages of the session take too long.
        """
        chatbot = await _admitted(ctx, command)
        session_id = command.session_id or sessions.issued(ctx, chatbot.embed_id)
        turn = await _turn_of(ctx, chatbot, session_id)
        try:
            async with ctx.begin(write=False) as unit:
                history = await conversations.newest(unit, turn.conversation_id, _MOST_HISTORY)
            passages = await _passages(ctx, chatbot, command.message)
            known = await _remembered(ctx, chatbot, command.message)
            system = prompt.system_text(chatbot, [documents.material(passages)] if passages else [], known)
            question = llm.CompleteChat(
                model=chatbot.model,
                messages=prompt.conversation(system, history, command.message, chatbot.history_tokens),
                max_completion_tokens=chatbot.max_tokens,
                extra={},
            )
        except BaseException:
            await turn.aclose()
            raise
        return cls(ctx, command, chatbot, session_id, turn, question, documents.sources_of(passages))

    @property
    def speaker(self) -> Caller:
        """Who speaks, as content policies see it: by the chatbot's name or id, or as an anonymous caller."""
        return Caller(self._ctx.actor.kind, self.chatbot.id, self.chatbot.name)

    def reply(self, answer: Answer) -> ChatbotReply:
        """What the visitor gets."""
        return ChatbotReply(
            response=answer.text,
            session_id=self.session_id,
            tokens=answer.tokens or 0,
            cost=answer.cost,
            sources=self.sources,
        )

    async def keep(self, answer: Answer) -> bool:
        """Judge the answer, store it with its question, both or neither, and end the turn.

        Returns:
            Whether the content policies let it through; otherwise it is stored as withheld.
        """
        try:
            async with self._ctx.begin() as unit:
                screening = await policies.screen_output(
                    unit, answer.text, caller=self.speaker, source=self.chatbot.model
                )
                is_fine = screening.decision is Decision.AUTHORIZED
                status = answer.status if is_fine else MessageStatus.WITHHELD
                await conversations.append(unit, self._messages(answer, status))
                await self._turn.end(unit)
        except InterlockError as error:
            raise told_to_visitors(error, self.chatbot.id) from error
        return is_fine

    async def aclose(self) -> None:
        """Let the next message of the session have its turn."""
        await self._turn.aclose()

    def _messages(self, answer: Answer, status: MessageStatus) -> Append:
        said = NewMessage(role=MessageRole.USER, content=self._command.message)
        answered = NewMessage(
            role=MessageRole.ASSISTANT,
            content=answer.text,
            status=status,
            sources=_as_json(self.sources),
            model=answer.model,
            tokens=answer.tokens,
            cost=answer.cost,
        )
        return Append(conversation_id=self._turn.conversation_id, messages=(said, answered))


def _as_json(sources: Sequence[Source]) -> tuple[dict[str, str | None], ...]:
    return tuple(source.model_dump() for source in sources)


async def _remembered(ctx: Ctx, chatbot: Chatbot, message: str) -> str:
    """What the workspace remembers about its business; what it knows of its people is not for visitors."""
    occasion = Occasion(kind=OccasionKind.CHATBOT, id=str(chatbot.id))
    about = memory.Recall(text=message[:_ABOUT], types=(MemoryType.BUSINESS,), occasion=occasion)
    return (await memory.reminders(ctx, about)).text


async def _passages(ctx: Ctx, chatbot: Chatbot, message: str) -> tuple[Passage, ...]:
    """What the chatbot's documents say to a message; none where nothing is near it."""
    try:
        return await documents.relevant(ctx, message, chatbot.knowledge_base)
    except InterlockError as error:
        raise told_to_visitors(error, chatbot.id) from error


async def _admitted(ctx: Ctx, command: SayToChatbot) -> Chatbot:
    """The chatbot, once it is clear that it may answer here and now."""
    async with ctx.begin(write=False) as unit:
        chatbot = await Chatbots(unit).deployed(command.embed_id)
        if chatbot is None:
            raise no_such_embed(command.embed_id)
        if chatbot.allowed_origins is not None and (command.origin or "").lower() not in chatbot.allowed_origins:
            raise _wrong_origin()
        try:
            await budgets.require_funds(unit)
        except InterlockError as error:
            raise told_to_visitors(error, chatbot.id) from error
    if chatbot.messages_per_minute is not None:
        limit = chatbot.messages_per_minute
        state = await limiter_for(ctx.runtime).hit(f"chatbot:{chatbot.id}:{ctx.source}", limit)
        if state.exceeded:
            raise too_many_messages(limit, state.retry_after)
    return chatbot


async def _turn_of(ctx: Ctx, chatbot: Chatbot, session_id: str) -> Turn:
    """The turn of the session's conversation, which is begun where there is none."""
    key = sessions.key_of(ctx, chatbot.embed_id, session_id)
    own = {} if sessions.is_issued(ctx, chatbot.embed_id, session_id) else {"session_id": session_id}
    thread = OpenThread(channel=Channel.EMBED, subject=str(chatbot.id), session_key=key, extra=own)
    while True:
        async with ctx.begin() as unit:
            conversation = await conversations.opened(unit, thread)
        try:
            return await conversations.take_turn(ctx, conversation.id, PATIENCE_SECONDS)
        except InterlockError as error:
            # The message before this one failed, and with it went the conversation that was nothing but it.
            if error.kind is not Kind.NOT_FOUND:
                raise
