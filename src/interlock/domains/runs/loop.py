"""The agent loop as a durable function: model request, tool calls through the pipeline, waiting for people, an ending.

It is written over the durable interface and pydantic-ai's message types (docs/decisions/0005-agent-loop.md). After a
crash it replays: finished steps return what they recorded, a tool call in flight is repeated under its idempotency key.
"""

from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import BaseModel
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse, ToolCallPart
from pydantic_ai.tools import ToolDefinition

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.policies.views import Decision
from interlock.domains.llm.service import calls as llm
from interlock.domains.llm.views import ModelCall
from interlock.domains.runs import prompt
from interlock.domains.runs.gates import CANCELLED, FAILED, withdraw_gates
from interlock.domains.runs.order import Order
from interlock.domains.runs.progress import Progress, StepRecord
from interlock.domains.runs.states import RunStatus, StepKind, StepStatus
from interlock.domains.runs.views import StepId
from interlock.domains.tools import service as tools
from interlock.domains.tools.states import CallState, ToolStatus
from interlock.domains.tools.views import ToolOutcome
from interlock.kit.errors import InterlockError, Kind
from interlock.runtime.context import Actor, ActorKind, Ctx
from interlock.runtime.database import is_database_trouble
from interlock.runtime.durable import Flow, FlowCancelled, Json
from interlock.runtime.invoke import invoke


class Thought(BaseModel):
    """A recorded model request: what came back, or why nothing did."""

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


_SETTLED = {
    CallState.DONE: ToolStatus.DONE,
    CallState.FAILED: ToolStatus.FAILED,
    CallState.DENIED: ToolStatus.DENIED,
}


async def agent_loop(flow: Flow, argument: Json) -> Json:
    """Run an agent until it answers, is stopped, or reaches a ceiling."""
    order = Order.model_validate(argument)
    try:
        return await _turns(flow, order)
    except FlowCancelled:
        # Whoever cancelled the run closed its gates; the call that was on its way may have opened another since.
        await flow.transact("withdraw", partial(_withdraw, order, CANCELLED))
        raise


async def _turns(flow: Flow, order: Order) -> Json:
    progress = Progress(flow, order.run_id)
    messages: list[ModelMessage] = [prompt.opening(order.input)]
    for turn in range(order.agent.max_iterations):
        await progress.note(f"ask:{turn}", "model.requested", {"turn": turn, "model": order.agent.model})
        recorded = await flow.step(f"model:{turn}", partial(_think, order, turn, messages))
        thought = Thought.model_validate(recorded)
        if thought.error is not None:
            ending = RunStatus.BUDGET_EXCEEDED if thought.error_kind is Kind.BUDGET_EXCEEDED else RunStatus.FAILED
            return await progress.end(ending, error=thought.error)
        await progress.keep(f"model:{turn}:kept", _model_record(thought), "model.answered")
        response = thought.message()
        messages.append(response)
        calls = prompt.calls_in(response)
        if not calls:
            return await progress.end(RunStatus.COMPLETED, output={"text": prompt.text_of(response)})
        returns = [
            (call, await _carry_out(progress, order, f"{turn}:{index}", call)) for index, call in enumerate(calls)
        ]
        messages.append(prompt.answers(returns))
    return await progress.end(
        RunStatus.FAILED, error=f"The agent made {order.agent.max_iterations} model requests without an answer."
    )


async def agent_failed(flow: Flow, argument: Json) -> Json:
    """Record that a run's function raised: a defect, not a refusal."""
    order = Order.model_validate(argument["input"])
    await flow.transact("withdraw", partial(_withdraw, order, FAILED))
    return await Progress(flow, order.run_id).end(RunStatus.FAILED, error=str(argument["error"])[:2000])


async def _withdraw(order: Order, reason: str, ctx: Ctx) -> Json:
    return await withdraw_gates(ctx, order.run_id, reason)


async def _think(order: Order, turn: int, messages: list[ModelMessage], ctx: Ctx) -> Json:
    acting = _as_agent(ctx, order)
    async with ctx.begin() as unit:
        # A run does one thing at a time: what it holds now, it has held since before a crash.
        await budgets.release_run(unit, order.run_id)
    try:
        reply = await llm.request(
            acting,
            ModelCall(
                model=order.agent.model,
                messages=messages,
                tools=_definitions(acting, order.agent.tools),
                instructions=prompt.instructions(order.agent),
                # A repeated request costs again, so each attempt is billed under a reference of its own.
                reference=f"{order.run_id}:{turn}:{StepId.new()}",
                run_id=order.run_id,
                agent_id=order.agent.id,
                run_cap=order.agent.budget_per_run,
            ),
        )
    except InterlockError as error:
        if is_database_trouble(error):
            raise  # it passes, and the run with it: the flow enters again
        return Thought(error_kind=error.kind, error=error.message).model_dump(mode="json")
    return Thought(
        response=ModelMessagesTypeAdapter.dump_python([reply.response], mode="json"),
        cost=reply.cost,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        latency_ms=reply.latency_ms,
        model=reply.model,
        provider=reply.provider,
        scripted=reply.scripted,
    ).model_dump(mode="json")


async def _carry_out(progress: Progress, order: Order, place: str, call: ToolCallPart) -> dict[str, Any]:
    """One tool call through the pipeline, waiting for a person where it must; returns what the model is told of it."""
    name = prompt.tool_name(call.tool_name)
    arguments = prompt.arguments_of(call)
    if isinstance(arguments, str):
        refusal = StepRecord(kind=StepKind.TOOL, name=name, status=StepStatus.FAILED, reason=arguments)
        await progress.keep(f"tool:{place}:kept", refusal, "tool.failed")
        return {"ok": False, "status": "invalid", "reason": arguments}
    recorded = await progress.flow.step(f"tool:{place}", partial(_call, order, place, name, arguments))
    outcome = ToolOutcome.model_validate(recorded["outcome"]) if "outcome" in recorded else None
    if outcome is None:
        refusal = StepRecord(kind=StepKind.TOOL, name=name, status=StepStatus.FAILED, reason=recorded["error"])
        await progress.keep(f"tool:{place}:kept", refusal, "tool.failed")
        return {"ok": False, "status": "invalid", "reason": recorded["error"]}
    if outcome.status is ToolStatus.ACTION_REQUIRED:
        await progress.hold(f"tool:{place}:held", _tool_record(name, outcome))
        await progress.flow.wait(f"call:{outcome.call_id}")
        settled = await progress.flow.step(f"tool:{place}:settled", partial(_settled, order, outcome))
        outcome = ToolOutcome.model_validate(settled)
        await progress.resume(f"tool:{place}:resumed")
    kind = "tool.finished" if outcome.status is ToolStatus.DONE else f"tool.{outcome.status.value}"
    await progress.keep(f"tool:{place}:kept", _tool_record(name, outcome), kind)
    return _told(outcome)


async def _call(order: Order, place: str, name: str, arguments: dict[str, Any], ctx: Ctx) -> Json:
    command = tools.CallTool(
        tool=name,
        arguments=arguments,
        idempotency_key=f"{order.run_id}:{place}",
        run_id=order.run_id,
        agent_id=order.agent.id,
        run_cap=order.agent.budget_per_run,
        allowed_tools=order.agent.tools,
    )
    try:
        outcome = await invoke(_as_agent(ctx, order), tools.call, command)
    except InterlockError as error:
        if is_database_trouble(error):
            raise  # as above
        return {"error": error.message}
    return {"outcome": outcome.model_dump(mode="json")}


async def _settled(order: Order, outcome: ToolOutcome, ctx: Ctx) -> Json:
    call = await invoke(_as_agent(ctx, order), tools.get_call, tools.CallRef(call_id=outcome.call_id))
    settled = outcome.model_copy(
        update={
            "status": _SETTLED[call.state],
            "result": call.result,
            "reason": call.reason,
            "policy_id": call.policy_id,
            "cost": call.cost,
            "latency_ms": call.latency_ms,
        }
    )
    return settled.model_dump(mode="json")


def _definitions(ctx: Ctx, names: tuple[str, ...]) -> list[ToolDefinition]:
    """The agent's tools as a model provider wants them; names outside the catalogue are not offered."""
    return [
        ToolDefinition(
            name=prompt.wire_name(tool.name), description=tool.description, parameters_json_schema=tool.input_schema
        )
        for tool in tools.offered(ctx, names)
    ]


def _as_agent(ctx: Ctx, order: Order) -> Ctx:
    actor = Actor(ActorKind.AGENT, order.agent.id, order.agent.name, order.user_id)
    return ctx.acting_as(actor, frozenset())


def _model_record(thought: Thought) -> StepRecord:
    return StepRecord(
        kind=StepKind.MODEL,
        name=thought.model,
        status=StepStatus.COMPLETED,
        cost=thought.cost,
        input_tokens=thought.input_tokens,
        output_tokens=thought.output_tokens,
        latency_ms=thought.latency_ms,
        detail={"provider": thought.provider, "scripted": thought.scripted},
    )


_STEP_STATUS = {
    ToolStatus.DONE: StepStatus.COMPLETED,
    ToolStatus.FAILED: StepStatus.FAILED,
    ToolStatus.DENIED: StepStatus.DENIED,
    ToolStatus.ACTION_REQUIRED: StepStatus.WAITING_APPROVAL,
}


_DECISION = {
    ToolStatus.DONE: Decision.AUTHORIZED,
    ToolStatus.FAILED: Decision.AUTHORIZED,
    ToolStatus.DENIED: Decision.DENIED,
    ToolStatus.ACTION_REQUIRED: Decision.ESCALATED,
}


def _tool_record(name: str, outcome: ToolOutcome) -> StepRecord:
    return StepRecord(
        kind=StepKind.TOOL,
        name=name,
        status=_STEP_STATUS[outcome.status],
        decision=_DECISION[outcome.status],
        reason=outcome.reason,
        call_id=str(outcome.call_id),
        cost=outcome.cost,
        latency_ms=outcome.latency_ms or 0,
        detail={"escalation_id": outcome.escalation_id} if outcome.escalation_id else {},
    )


def _told(outcome: ToolOutcome) -> dict[str, Any]:
    """What the model reads about a call: the result, or a reason that lets it change its plan."""
    if outcome.status is ToolStatus.DONE:
        return {"ok": True, "result": outcome.result}
    return {"ok": False, "status": outcome.status.value, "reason": outcome.reason}
