"""The end of an answer: what the run has said becomes a message of the conversation, exactly once."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from interlock.domains.chats.repository import Chats, Turns
from interlock.domains.chats.states import TurnState
from interlock.domains.chats.views import ChatTurn
from interlock.domains.conversations import service as conversations
from interlock.domains.conversations.service import Append, NewMessage
from interlock.domains.conversations.states import MessageRole, MessageStatus
from interlock.domains.conversations.views import MessageId
from interlock.domains.runs import service as runs
from interlock.domains.runs.events import AnswerEnded
from interlock.domains.runs.service.spoken import ENDED, Spoken, put_together, speech_of
from interlock.domains.runs.states import RunStatus, StepKind
from interlock.domains.runs.views import RunDetail
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import RunId
from interlock.runtime.context import Ctx
from interlock.runtime.events import StreamEvent
from interlock.runtime.jobs import Jobs

DROP_SPEECH = "chats.drop_speech"
_KEPT = timedelta(minutes=10)  # for those who follow over a bad connection; later the message tells it all
_STATUS = {
    TurnState.ANSWERED: MessageStatus.COMPLETE,
    TurnState.STOPPED: MessageStatus.INTERRUPTED,
    TurnState.FAILED: MessageStatus.INTERRUPTED,
    TurnState.WITHHELD: MessageStatus.WITHHELD,
}


class DropSpeech(BaseModel):
    """What which run has said."""

    model_config = ConfigDict(frozen=True)

    run_id: RunId


def register(jobs: Jobs) -> None:
    """Wire the ending of answers; called once by the composition root."""
    jobs.subscribe(AnswerEnded, "chats.settle", settle)
    jobs.register(DROP_SPEECH, DropSpeech, drop_speech)


async def drop_speech(ctx: Ctx, job: DropSpeech) -> None:
    """Forget the pieces of an answer; the message has its text."""
    async with ctx.begin() as unit:
        await unit.runtime.streams.drop(unit, [speech_of(job.run_id)])


async def settle(ctx: Ctx, event: AnswerEnded) -> None:
    """Keep the answer of a run that has ended; told twice, it is kept once."""
    async with ctx.begin() as unit:
        turns = Turns(unit)
        turn = await turns.find(event.run_id)
        if turn is None:
            return  # the chat was deleted
        await Chats(unit).hold(turn.conversation_id)
        turn = await turns.find(event.run_id)
        if turn is None or turn.state is not TurnState.ANSWERING:
            return
        run = await runs.get(unit, runs.RunRef(run_id=turn.id))
        spoken = await _spoken(unit, turn.id)
        state, error = _outcome(run, spoken)
        answer_id = await _keep(unit, turn, run, spoken, state)
        await turns.end(turn.id, state, error=error, answer_id=answer_id)
        told = {"state": state.value, "error": error, "answer_id": None if answer_id is None else str(answer_id)}
        await unit.runtime.streams.append(unit, speech_of(turn.id), ENDED, told)
        await unit.runtime.jobs.enqueue(unit, DROP_SPEECH, DropSpeech(run_id=turn.id), at=unit.now + _KEPT)


async def _spoken(unit: Ctx, run_id: RunId) -> Spoken:
    events: list[StreamEvent] = []
    while batch := await unit.runtime.streams.read(unit, speech_of(run_id), events[-1].seq if events else 0):
        events += batch
    return put_together(events)


def _outcome(run: RunDetail, spoken: Spoken) -> tuple[TurnState, str | None]:
    if run.status is RunStatus.COMPLETED:
        if spoken.text() or (run.output or {}).get("text"):
            return TurnState.ANSWERED, None
        return TurnState.FAILED, "The model gave an empty answer."
    if run.status is RunStatus.CANCELLED:
        return TurnState.STOPPED, None
    if spoken.withheld is not None:
        return TurnState.WITHHELD, spoken.withheld
    return TurnState.FAILED, run.error or f"The run ended as {run.status.value}."


async def _keep(unit: Ctx, turn: ChatTurn, run: RunDetail, spoken: Spoken, state: TurnState) -> MessageId | None:
    """The answer as a message; none where nothing was said."""
    output = run.output or {}
    text = spoken.text() or str(output.get("text") or "")
    if state is TurnState.WITHHELD:
        text = f"This answer was withheld. {spoken.withheld}"
    if not text.strip():
        return None
    message = NewMessage(
        role=MessageRole.ASSISTANT,
        content=text,
        status=_STATUS[state],
        parts=_parts(run),
        sources=tuple(output.get("sources") or ()),
        model=run.model,
        tokens=run.total_tokens,
        cost=None if run.unknown_costs else run.total_cost,
    )
    try:
        await conversations.append(unit, Append(conversation_id=turn.conversation_id, messages=(message,)))
    except InterlockError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return None  # the conversation was deleted while it was being answered
    (kept,) = await conversations.newest(unit, turn.conversation_id, 1)
    return kept.id


def _parts(run: RunDetail) -> tuple[dict[str, Any], ...]:
    """Where the answer comes from, and what was done for it."""
    made = [
        {
            "kind": "tool",
            "name": step.name,
            "status": step.status.value,
            "decision": None if step.decision is None else step.decision.value,
            "reason": step.reason,
            "call_id": step.call_id,
        }
        for step in run.steps
        if step.kind is StepKind.TOOL
    ]
    return ({"kind": "run", "run_id": str(run.id)}, *made)
