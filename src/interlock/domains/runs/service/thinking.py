"""One request to a model as a durable step: what came back, or why nothing did, in a form the journal keeps."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse

from interlock.domains.governance.policies import service as policies
from interlock.domains.governance.policies.views import Decision
from interlock.domains.llm.service import calls as llm
from interlock.domains.llm.views import ModelCall, ModelReply
from interlock.domains.runs.service import prompt
from interlock.domains.runs.service.progress import StepRecord
from interlock.domains.runs.service.speaking import Speech
from interlock.domains.runs.states import StepKind, StepStatus
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Ctx
from interlock.runtime.database import is_database_trouble
from interlock.runtime.durable import Json


class Thought(BaseModel):
    """A recorded model request."""

    response: list[Any] = []
    cost: Decimal | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    model: str = ""
    provider: str = ""
    scripted: bool = False
    error_kind: Kind | None = None
    error: str | None = None

    def message(self) -> ModelResponse:
        """The model's message."""
        (message,) = ModelMessagesTypeAdapter.validate_python(self.response)
        if not isinstance(message, ModelResponse):
            raise TypeError("a recorded thought is not a model response")
        return message

    def text(self) -> str:
        """What the model said."""
        return prompt.text_of(self.message())

    def record(self) -> StepRecord:
        """The request as a step of its run; one whose answer was refused has cost its money all the same."""
        return StepRecord(
            kind=StepKind.MODEL,
            name=self.model,
            status=StepStatus.COMPLETED if self.error is None else StepStatus.FAILED,
            reason=self.error,
            cost=self.cost,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            latency_ms=self.latency_ms,
            detail={"provider": self.provider, "scripted": self.scripted},
        )


async def think(ctx: Ctx, call: ModelCall, speech: Speech | None = None) -> Json:
    """Ask a model, screen what it says by the content policies, and return a Thought for the journal.

    Args:
        speech: through which people follow the answer.
    """
    try:
        reply = await (llm.request(ctx, call) if speech is None else speech.follow(call))
    except InterlockError as error:
        if is_database_trouble(error):
            raise  # it passes, and the run with it: the flow enters again
        return Thought(error_kind=error.kind, error=error.message).model_dump(mode="json")
    refusal = await _refused(ctx, call, reply)
    if speech is not None:
        await speech.conclude(prompt.text_of(reply.response), refusal)
    return Thought(
        response=ModelMessagesTypeAdapter.dump_python([reply.response], mode="json"),
        cost=reply.cost,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        latency_ms=reply.latency_ms,
        model=reply.model,
        provider=reply.provider,
        scripted=reply.scripted,
        error_kind=None if refusal is None else Kind.FORBIDDEN,
        error=refusal,
    ).model_dump(mode="json")


async def _refused(ctx: Ctx, call: ModelCall, reply: ModelReply) -> str | None:
    """What the content policies have against an answer; None when it may be used."""
    said = prompt.text_of(reply.response)
    if not said:
        return None
    async with ctx.begin() as unit:
        screening = await policies.screen_output(unit, said, source=reply.model, run_id=call.run_id)
    return None if screening.decision is Decision.AUTHORIZED else screening.reason
