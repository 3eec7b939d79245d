"""A model request of the agent loop: reserve, ask, settle. Loading this module loads pydantic-ai."""

import time
from datetime import datetime
from decimal import Decimal

from pydantic_ai.messages import InstructionPart, ModelResponse
from pydantic_ai.models import ModelRequestParameters

from interlock.domains.governance.budgets.views import UsageKind
from interlock.domains.llm import metering
from interlock.domains.llm.attempts import first_answer
from interlock.domains.llm.directory import directory_of
from interlock.domains.llm.providers.aloud import Aloud, Listener
from interlock.domains.llm.providers.sdk import SdkCall, ask, characters, usage_of
from interlock.domains.llm.routing import Target
from interlock.domains.llm.switchboard import model_of
from interlock.domains.llm.views import ModelCall, ModelReply
from interlock.runtime.context import Ctx


async def names_behind(ctx: Ctx, model: str) -> tuple[str, ...]:
    """What may serve a model name, each under the name its answers will have."""
    return tuple(dict.fromkeys(target.model for target in (await directory_of(ctx)).resolve(model)))


async def request(ctx: Ctx, call: ModelCall, *, listener: Listener | None = None) -> ModelReply:
    """Ask a model once, with fallbacks, under the workspace's and the run's caps.

    Args:
        ctx: without a unit of work; two short ones are opened around the network call.
        listener: hears the answer while it is written, where the provider can do that.

    Raises:
        InterlockError: INVALID for a model nobody serves or a request its provider calls wrong, BUDGET_EXCEEDED,
            RATE_LIMITED, UPSTREAM, UPSTREAM_TIMEOUT or UNAVAILABLE when no target answered; nothing is billed then.
    """
    targets = (await directory_of(ctx)).resolve(call.model)
    sdk_call = _sdk_call(call)
    purpose = metering.Purpose(
        call.reference, UsageKind.MODEL, run_id=call.run_id, agent_id=call.agent_id, run_cap=call.run_cap
    )
    reservation = await metering.hold(ctx, purpose, _worst(call, sdk_call, targets, ctx.now))
    started = time.perf_counter()
    aloud = None if listener is None else Aloud(sdk_call, listener)

    async def attempt(target: Target) -> ModelResponse:
        model = await model_of(ctx, target)
        return await (ask(model, target, sdk_call) if aloud is None else aloud.ask(model, target))

    try:
        target, response = await first_answer(ctx, targets, attempt)
    except BaseException:
        if aloud is not None and aloud.broken_off is not None:
            broken, received = aloud.broken_off
            await metering.book(ctx, purpose, reservation, broken, received)
        else:
            await metering.give_back(ctx, reservation)
        raise
    latency = round((time.perf_counter() - started) * 1000)
    usage = usage_of(response.usage, sdk_call.messages, response)
    cost = await metering.book(ctx, purpose, reservation, target, usage)
    return ModelReply(
        response=response,
        cost=cost,
        usage=usage,
        model=target.model,
        provider=target.upstream.name,
        latency_ms=latency,
        scripted=target.is_scripted,
    )


def _sdk_call(call: ModelCall) -> SdkCall:
    instructions = None if call.instructions is None else [InstructionPart(content=call.instructions)]
    parameters = ModelRequestParameters(function_tools=list(call.tools), instruction_parts=instructions)
    return SdkCall(call.messages, call.settings, parameters)


def _worst(call: ModelCall, sdk_call: SdkCall, targets: tuple[Target, ...], now: datetime) -> Decimal:
    text = characters(sdk_call.messages) + len(call.instructions or "")
    for tool in call.tools:
        text += len(tool.name) + len(tool.description or "") + len(str(tool.parameters_json_schema))
    limit = call.settings.get("max_tokens") if call.settings else None
    return metering.worst_cost(targets, metering.estimated_tokens(text), limit, now)
