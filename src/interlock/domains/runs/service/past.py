"""What was said in a run before the step it goes on from: messages of the model and answers of tools, said again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse

from interlock.domains.runs.order import Order
from interlock.domains.runs.repository import Messages
from interlock.domains.runs.service.progress import Spoken
from interlock.domains.runs.service.thinking import Thought
from interlock.runtime.durable import Flow

_OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Past:
    """What a run need not ask again; empty for a run of its own."""

    _known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def opening(self) -> list[ModelMessage]:
        """The messages before the first request."""
        return ModelMessagesTypeAdapter.validate_python(self._known.get(_OPENING, []))

    def response(self, turn: int) -> ModelResponse | None:
        """What the model answered in a turn."""
        said = self._known.get(_turn(turn))
        return None if said is None else Thought(response=said).message()

    def told(self, place: str) -> dict[str, Any] | None:
        """What the model was told of a tool call."""
        return self._known.get(_place(place))


async def past_of(flow: Flow, order: Order) -> Past:
    """What the run took over. It never changes, so a replay reads the same."""
    if order.again_from is None:
        return Past()
    async with flow.ctx.begin(write=False) as reading:
        messages = await Messages(reading).before(order.run_id, order.again_from)
    return Past({message.key: message.value for message in messages})


def opened_with(messages: Sequence[ModelMessage]) -> Spoken:
    """The messages before the first request, to be kept."""
    return Spoken(key=_OPENING, value=ModelMessagesTypeAdapter.dump_python(list(messages), mode="json"))


def answered(turn: int, thought: Thought) -> Spoken | None:
    """What the model answered, to be kept; an answer that was refused is asked for again."""
    return None if thought.error is not None else Spoken(key=_turn(turn), value=thought.response)


def told(place: str, answer: dict[str, Any]) -> Spoken:
    """What the model was told of a tool call, to be kept."""
    return Spoken(key=_place(place), value=answer)


def _turn(turn: int) -> str:
    return f"model:{turn}"


def _place(place: str) -> str:
    return f"tool:{place}"
