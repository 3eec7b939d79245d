"""A chatbot's answer on its way to a visitor.

Where a content policy of the workspace could stop the answer, nothing is shown before the whole of it has been judged:
a phrase may begin in one sentence and end in the next. Elsewhere every piece is shown as it comes.
A visitor who goes away ends the call to the model; what was shown by then is kept, as interrupted.
"""

import asyncio
from collections.abc import AsyncIterator

from interlock.domains.chatbots.errors import no_answer, told_to_visitors, withheld
from interlock.domains.chatbots.talking import Answer, Exchange, SayToChatbot
from interlock.domains.chatbots.views import ChatbotReply
from interlock.domains.conversations.states import MessageStatus
from interlock.domains.governance.policies import service as policies
from interlock.domains.llm import service as llm
from interlock.domains.llm.service import ChatStream, Finished, TextDelta
from interlock.kit.errors import InterlockError
from interlock.kit.operations import Effect, operation
from interlock.runtime.context import Ctx


class ReplyStream:
    """Iterate `pieces` once, then read `reply`; `aclose` in any case."""

    def __init__(self, exchange: Exchange, answering: ChatStream, *, is_held: bool) -> None:
        self.session_id = exchange.session_id
        self.reply: ChatbotReply | None = None
        self._exchange = exchange
        self._answering = answering
        self._is_held = is_held
        self._shown: list[str] = []
        self._ending: asyncio.Task[bool] | None = None

    async def pieces(self) -> AsyncIterator[str]:
        """Pieces of the answer; after the last one it is stored and `reply` is set.

        Raises:
            InterlockError: the model failed, or a content policy objects.
        """
        written: list[str] = []
        tokens: int | None = None
        try:
            async for piece in self._answering.pieces():
                for delta in piece.deltas:
                    if isinstance(delta, TextDelta) and delta.text:
                        written.append(delta.text)
                        if not self._is_held:
                            self._shown.append(delta.text)
                            yield delta.text
                    elif isinstance(delta, Finished):
                        tokens = delta.usage.input_tokens + delta.usage.output_tokens
        except InterlockError as error:
            raise told_to_visitors(error, self._exchange.chatbot.id) from error
        answer = self._answer("".join(written), MessageStatus.COMPLETE, tokens)
        if not answer.text.strip():
            raise no_answer()
        if not await self._end(answer):
            raise withheld()
        if self._is_held:
            yield answer.text
        self.reply = self._exchange.reply(answer)

    async def aclose(self) -> None:
        """Let go of model and turn; an answer that was cut short is kept as far as it was shown."""
        try:
            await self._answering.aclose()
        finally:
            text = "".join(self._shown)
            cut = self._answer(text, MessageStatus.INTERRUPTED, None) if text.strip() else None
            if self._ending is None:
                await self._end(cut)
            else:
                await asyncio.wait([self._ending])

    def _answer(self, text: str, status: MessageStatus, tokens: int | None) -> Answer:
        usage = self._answering.usage
        if tokens is None and usage is not None:
            tokens = usage.input_tokens + usage.output_tokens
        return Answer(text, status, self._answering.model, tokens, self._answering.cost)

    async def _end(self, answer: Answer | None) -> bool:
        """Store the exchange once, and tell whether the answer may be seen. A visitor's leaving does not undo it."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end_once(answer), name="end of a chatbot's answer")
        return await asyncio.shield(self._ending)

    async def _end_once(self, answer: Answer | None) -> bool:
        try:
            return answer is None or await self._exchange.keep(answer)
        finally:
            await self._exchange.aclose()


@operation("chatbots.stream", effect=Effect.EXTERNAL, public=True, ai=True)
async def stream(ctx: Ctx, command: SayToChatbot) -> ReplyStream:
    """Answer a visitor of a page piece by piece; close the stream when done with it."""
    exchange = await Exchange.begin(ctx, command)
    try:
        async with ctx.begin(write=False) as unit:
            is_held = await policies.may_stop_output(unit, caller=exchange.speaker, source=exchange.chatbot.model)
        try:
            answering = await llm.stream(ctx, exchange.question)
        except InterlockError as error:
            raise told_to_visitors(error, exchange.chatbot.id) from error
    except BaseException:
        await exchange.aclose()
        raise
    return ReplyStream(exchange, answering, is_held=is_held)
