"""The agent loop as a durable function: model request, tool calls through the pipeline, waiting for people, an ending.

It is written over the durable interface and pydantic-ai's message types (docs/decisions/0005-agent-loop.md). After a
crash it replays: finished steps return what they recorded, a tool call in flight is repeated under its idempotency key.
"""

from functools import partial
from typing import Any

from pydantic_ai.messages import ModelMessage, ToolCallPart
from pydantic_ai.tools import ToolDefinition

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.llm.views import ModelCall
from interlock.domains.memory import service as memory
from interlock.domains.memory.states import MemoryType, OccasionKind, OwnerKind
from interlock.domains.memory.views import Occasion
from interlock.domains.runs.order import Order
from interlock.domains.runs.service import prompt
from interlock.domains.runs.service.calls import carry_out, refused
from interlock.domains.runs.service.gates import CANCELLED, FAILED, withdraw_gates
from interlock.domains.runs.service.material import Material, gathered
from interlock.domains.runs.service.past import answered, opened_with, past_of, told
from interlock.domains.runs.service.progress import Progress, Spoken
from interlock.domains.runs.service.speaking import Speech
from interlock.domains.runs.service.thinking import Thought, think
from interlock.domains.runs.states import RunStatus
from interlock.domains.runs.views import StepId
from interlock.domains.tools import service as tools
from interlock.domains.tools.states import ToolStatus
from interlock.domains.tools.views import ToolOutcome
from interlock.kit.errors import Kind
from interlock.runtime.context import Actor, ActorKind, Ctx
from interlock.runtime.durable import Flow, FlowCancelled, Json, Step

_ABOUT = 10_000
"""How much of a task is compared with what is remembered."""


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
    past = await past_of(flow, order)
    messages = past.opening
    material = Material()
    opened = None
    if not messages:
        known: str = await flow.step("recall", partial(_recall, order)) if order.agent.id is not None else ""
        material = await _material(flow, order)
        if material.error is not None:
            return await progress.end(RunStatus.FAILED, error=material.error)
        history = prompt.earlier(order.talk.history) if order.talk is not None else []
        messages = [*history, prompt.opening({**order.input, **material.as_input()}, known)]
        opened = opened_with(messages)
    for turn in range(order.agent.max_iterations):
        response = past.response(turn)
        if response is None:
            asking = partial(_think, order, turn, messages, material)
            thought = await _ask(progress, order, turn, asking, opened)
            opened = None
            if thought.error is not None:
                ending = RunStatus.BUDGET_EXCEEDED if thought.error_kind is Kind.BUDGET_EXCEEDED else RunStatus.FAILED
                return await progress.end(ending, error=thought.error)
            response = thought.message()
        messages.append(response)
        calls = prompt.calls_in(response)
        if not calls:
            output: dict[str, Any] = {"text": prompt.text_of(response)}
            if material.sources:
                output["sources"] = [source.model_dump() for source in material.sources]
            return await progress.end(RunStatus.COMPLETED, output=output)
        places = [(call, f"{turn}:{index}") for index, call in enumerate(calls)]
        returns = [(call, past.told(place) or await _carry_out(progress, order, place, call)) for call, place in places]
        messages.append(prompt.answers(returns))
    most = order.agent.max_iterations
    requests = "one model request" if most == 1 else f"{most} model requests"
    return await progress.end(RunStatus.FAILED, error=f"The agent made {requests} without an answer.")


async def _ask(progress: Progress, order: Order, turn: int, asking: Step, opened: Spoken | None) -> Thought:
    """One model request; `opened` is what stands before the first one, to be kept with it."""
    await progress.pause_point()
    facts = {"turn": turn, "model": order.agent.model}
    await progress.note(f"ask:{turn}", "model.requested", facts, said=opened)
    recorded = await progress.flow.step(f"model:{turn}", asking)
    thought = Thought.model_validate(recorded)
    if thought.response:
        said = answered(turn, thought)
        await progress.keep(f"model:{turn}:kept", thought.record(), "model.answered", said=said)
    return thought


async def agent_failed(flow: Flow, argument: Json) -> Json:
    """Record that a run's function raised: a defect, not a refusal."""
    order = Order.model_validate(argument["input"])
    await flow.transact("withdraw", partial(_withdraw, order, FAILED))
    return await Progress(flow, order.run_id).end(RunStatus.FAILED, error=str(argument["error"])[:2000])


async def _withdraw(order: Order, reason: str, ctx: Ctx) -> Json:
    return await withdraw_gates(ctx, order.run_id, reason)


async def _recall(order: Order, ctx: Ctx) -> Json:
    """What the workspace and the agent remember of the task, fenced as data."""
    about = str(order.input.get("task") or order.input)[:_ABOUT]
    owners = (memory.Owner(), memory.Owner(kind=OwnerKind.AGENT, id=str(order.agent.id)))
    types = (MemoryType.BUSINESS,) if order.is_public else None
    occasion = Occasion(kind=OccasionKind.RUN, id=str(order.run_id))
    wanted = memory.Recall(text=about, owners=owners, types=types, occasion=occasion)
    return (await memory.reminders(_as_agent(order, ctx), wanted)).text


async def _material(flow: Flow, order: Order) -> Material:
    """What the conversation gives this run to go by; nothing outside of conversations."""
    if order.talk is None or not (order.talk.attachments or order.talk.knowledge):
        return Material()
    task = order.input.get("task")
    found = await flow.step("material", partial(gathered, order.talk, task if isinstance(task, str) else ""))
    return Material.model_validate(found)


async def _think(order: Order, turn: int, messages: list[ModelMessage], material: Material, ctx: Ctx) -> Json:
    acting = _as_agent(order, ctx)
    async with ctx.begin() as unit:
        # A run does one thing at a time: what it holds now, it has held since before a crash.
        await budgets.release_run(unit, order.run_id)
    return await think(
        acting,
        ModelCall(
            model=order.agent.model,
            messages=messages,
            tools=_definitions(acting, order.agent.tools),
            instructions=prompt.instructions(order.agent, has_data=bool(material.as_input())),
            # A repeated request costs again, so each attempt is billed under a reference of its own.
            reference=f"{order.run_id}:{turn}:{StepId.new()}",
            run_id=order.run_id,
            agent_id=order.agent.id,
            run_cap=order.agent.budget_per_run,
        ),
        None if order.talk is None else Speech(acting, order.run_id, turn),
    )


async def _carry_out(progress: Progress, order: Order, place: str, call: ToolCallPart) -> dict[str, Any]:
    """One tool call through the pipeline, waiting for a person where it must; returns what the model is told of it."""
    name = prompt.tool_name(call.tool_name)
    arguments = prompt.arguments_of(call)
    if isinstance(arguments, str):
        answer = {"ok": False, "status": "invalid", "reason": arguments}
        await progress.keep(f"tool:{place}:kept", refused(name, arguments), "tool.failed", said=told(place, answer))
        return answer
    command = tools.CallTool(
        tool=name,
        arguments=arguments,
        idempotency_key=f"{order.run_id}:{place}",
        run_id=order.run_id,
        agent_id=order.agent.id,
        run_cap=order.agent.budget_per_run,
        allowed_tools=order.agent.tools,
    )
    made = await carry_out(progress, f"tool:{place}", partial(_as_agent, order), command)
    if made.outcome is None:
        answer = {"ok": False, "status": "invalid", "reason": made.record.reason}
    else:
        answer = _answer(made.outcome)
    said = told(place, answer)
    await progress.keep(f"tool:{place}:kept", made.record, made.event, position=made.position, said=said)
    return answer


def _definitions(ctx: Ctx, names: tuple[str, ...]) -> list[ToolDefinition]:
    """The agent's tools as a model provider wants them; names outside the catalogue are not offered."""
    return [
        ToolDefinition(
            name=prompt.wire_name(tool.name), description=tool.description, parameters_json_schema=tool.input_schema
        )
        for tool in tools.offered(ctx, names)
    ]


def _as_agent(order: Order, ctx: Ctx) -> Ctx:
    actor = Actor(ActorKind.AGENT, order.agent.id, order.agent.name, order.user_id)
    return ctx.acting_as(actor, frozenset())


def _answer(outcome: ToolOutcome) -> dict[str, Any]:
    """What the model reads about a call: the result, or a reason that lets it change its plan."""
    if outcome.status is ToolStatus.DONE:
        return {"ok": True, "result": outcome.result}
    return {"ok": False, "status": outcome.status.value, "reason": outcome.reason}
