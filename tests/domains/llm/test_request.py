"""The agent loop's model request, over each provider's own wire, with every failure a provider has."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic_ai.messages import ModelRequest, ToolCallPart
from pydantic_ai.tools import ToolDefinition

from interlock.domains.governance.budgets import service as budgets
from interlock.domains.governance.budgets.views import Usage as BookedUsage
from interlock.domains.llm.chat import CompleteChat
from interlock.domains.llm.service import calls as llm
from interlock.domains.llm.service.chat import complete
from interlock.domains.llm.views import ModelCall, ModelReply, ProviderKind
from interlock.kit.errors import InterlockError, Kind
from interlock.kit.ids import TypedId
from interlock.runtime.context import Ctx
from tests.domains.llm.gateway import KEY, Gateway
from tests.fakes.llm import (
    FakeLLM,
    Fault,
    FaultKind,
    Reply,
    ToolCall,
    Usage,
    serve_anthropic,
    serve_gemini,
    serve_openai,
)

MODELS = {
    ProviderKind.OPENAI: "gpt-4o-mini",
    ProviderKind.ANTHROPIC: "claude-sonnet-5",
    ProviderKind.GOOGLE: "gemini-2.5-flash",
}
SERVERS: dict[ProviderKind, Any] = {
    ProviderKind.OPENAI: serve_openai,
    ProviderKind.ANTHROPIC: serve_anthropic,
    ProviderKind.GOOGLE: serve_gemini,
}
TOOL = ToolDefinition(
    name="refund", description="Refund a charge.", parameters_json_schema={"type": "object", "properties": {}}
)


@dataclass
class Wire:
    """A provider of one kind, set up in the gateway."""

    kind: ProviderKind
    model: str
    fake: FakeLLM
    gateway: Gateway


@pytest.fixture(params=list(MODELS), ids=[kind.value for kind in MODELS])
async def wire(request: pytest.FixtureRequest, gateway: Gateway) -> AsyncIterator[Wire]:
    kind: ProviderKind = request.param
    server: AbstractAsyncContextManager[FakeLLM] = SERVERS[kind]()
    async with server as fake:
        await gateway.provider(kind, fake.base_url, timeout_seconds=1)
        yield Wire(kind, MODELS[kind], fake, gateway)


def asking(model: str, **fields: Any) -> ModelCall:
    return ModelCall(model, [ModelRequest.user_text_prompt("hello")], reference=uuid4().hex, **fields)


async def ask(wire: Wire, **fields: Any) -> ModelReply:
    return await llm.request(wire.gateway.ctx, asking(wire.model, **fields))


async def test_a_reply_is_told_and_billed_at_the_listed_price(wire: Wire) -> None:
    wire.fake.script.enqueue(Reply("Good morning.", usage=Usage(input=1000, output=100)))
    reply = await ask(wire)
    assert reply.response.text == "Good morning."
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (1000, 100)
    assert (reply.provider, reply.model, reply.scripted) == (wire.kind.value, wire.model, False)
    assert reply.cost is not None
    assert reply.cost > 0
    [entry] = await wire.gateway.booked()
    assert (entry.cost, entry.input_tokens, entry.provider) == (reply.cost, 1000, wire.kind.value)
    assert await wire.gateway.held() == []


@pytest.mark.parametrize("door", ["agent loop", "chat"])
async def test_a_caller_who_leaves_once_the_answer_is_there_still_pays(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    answered, leaving, settle = asyncio.Event(), asyncio.Event(), budgets.settle

    async def slow(ctx: Ctx, command: budgets.Settle) -> BookedUsage:
        answered.set()
        await leaving.wait()
        return await settle(ctx, command)

    monkeypatch.setattr(budgets, "settle", slow)
    async with serve_openai() as fake:
        await gateway.provider(ProviderKind.OPENAI, fake.base_url)
        chat = CompleteChat.model_validate({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]})
        work: Coroutine[Any, Any, object] = (
            llm.request(gateway.ctx, asking("gpt-4o-mini")) if door == "agent loop" else gateway.call(complete, chat)
        )
        caller = asyncio.create_task(work)
        await asyncio.wait_for(answered.wait(), 10)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        leaving.set()
        async with asyncio.timeout(10):
            while not await gateway.booked():  # noqa: ASYNC110 - the booking goes on by itself and has no event for tests
                await asyncio.sleep(0.01)
    assert await gateway.held() == []


async def test_the_credential_goes_to_the_provider(wire: Wire) -> None:
    await ask(wire)
    assert any(KEY in value for value in wire.fake.script.requests[-1].headers.values())


async def test_tools_go_out_and_calls_come_back(wire: Wire) -> None:
    wire.fake.script.enqueue(Reply(tool_calls=(ToolCall("refund", {"amount": 5}),)))
    reply = await ask(wire, tools=[TOOL])
    [call] = [part for part in reply.response.parts if isinstance(part, ToolCallPart)]
    assert call.tool_name == "refund"
    assert call.args_as_dict() == {"amount": 5}
    assert b"refund" in wire.fake.script.requests[-1].body


async def test_instructions_reach_the_model(wire: Wire) -> None:
    await ask(wire, instructions="Answer like a pirate.")
    assert b"Answer like a pirate." in wire.fake.script.requests[-1].body


async def test_malformed_tool_arguments_are_returned_for_the_loop_to_tell_the_model(gateway: Gateway) -> None:
    async with serve_openai() as fake:
        await gateway.provider(ProviderKind.OPENAI, fake.base_url)
        fake.script.enqueue(Reply(tool_calls=(ToolCall("refund", '{"amount": '),)))
        reply = await llm.request(gateway.ctx, asking("gpt-4o-mini", tools=[TOOL]))
    [call] = [part for part in reply.response.parts if isinstance(part, ToolCallPart)]
    assert call.args == '{"amount": '


async def test_a_refused_key_is_told_and_never_leaks_it(wire: Wire) -> None:
    wire.fake.script.enqueue(Fault(FaultKind.UNAUTHORIZED))
    with pytest.raises(InterlockError) as caught:
        await ask(wire)
    error = caught.value
    assert (error.kind, error.code) == (Kind.UPSTREAM, "provider_unauthorized")
    assert error.data["provider"] == wire.kind.value
    assert KEY not in str(error) + str(error.data)
    assert len(wire.fake.script.requests) == 1
    assert await wire.gateway.held() == []
    assert await wire.gateway.booked() == []


async def test_a_rate_limit_is_waited_out_when_short(wire: Wire) -> None:
    wire.fake.script.enqueue(Fault(FaultKind.RATE_LIMITED, retry_after=1), Reply("there"))
    assert (await ask(wire)).response.text == "there"
    assert wire.gateway.pauses == [1.0]


async def test_a_long_rate_limit_is_told_with_its_length(wire: Wire) -> None:
    wire.fake.script.enqueue(Fault(FaultKind.RATE_LIMITED, retry_after=60))
    with pytest.raises(InterlockError) as caught:
        await ask(wire)
    assert (caught.value.kind, caught.value.data["retry_after"]) == (Kind.RATE_LIMITED, 60.0)
    assert wire.gateway.pauses == []


@pytest.mark.parametrize("fault", [FaultKind.SERVER_ERROR, FaultKind.OVERLOADED, FaultKind.CUT, FaultKind.CUT_STREAM])
async def test_a_passing_failure_is_tried_again(wire: Wire, fault: FaultKind) -> None:
    wire.fake.script.enqueue(Fault(fault), Reply("there"))
    assert (await ask(wire)).response.text == "there"
    assert len(await wire.gateway.booked()) == 1


@pytest.mark.parametrize("fault", [FaultKind.SERVER_ERROR, FaultKind.OVERLOADED, FaultKind.CUT, FaultKind.INVALID_JSON])
async def test_a_lasting_failure_is_told_and_costs_nothing(wire: Wire, fault: FaultKind) -> None:
    wire.fake.script.enqueue(*[Fault(fault)] * 3)
    with pytest.raises(InterlockError) as caught:
        await ask(wire)
    assert caught.value.kind is Kind.UPSTREAM
    assert wire.kind.value in caught.value.message
    assert len(caught.value.data["attempts"]) == 3
    assert await wire.gateway.booked() == []
    assert await wire.gateway.held() == []


async def test_silence_is_a_timeout(wire: Wire) -> None:
    wire.fake.script.enqueue(Fault(FaultKind.TIMEOUT))
    with pytest.raises(InterlockError) as caught:
        await ask(wire)
    assert caught.value.kind is Kind.UPSTREAM_TIMEOUT
    assert len(wire.fake.script.requests) == 1


async def test_a_budget_that_is_spent_stops_the_call_before_it_goes_out(wire: Wire) -> None:
    await wire.gateway.cap("0.0000001")
    with pytest.raises(InterlockError) as caught:
        await ask(wire)
    assert caught.value.kind is Kind.BUDGET_EXCEEDED
    assert wire.fake.script.requests == []


async def test_a_run_cap_stops_the_call_too(wire: Wire) -> None:
    with pytest.raises(InterlockError) as caught:
        await ask(wire, run_cap=Decimal("0.0000001"), run_id=TypedId.new())
    assert caught.value.kind is Kind.BUDGET_EXCEEDED


async def test_the_same_reference_is_billed_once(wire: Wire) -> None:
    call = asking(wire.model)
    await llm.request(wire.gateway.ctx, call)
    await llm.request(wire.gateway.ctx, call)
    assert len(await wire.gateway.booked()) == 1


async def test_an_unknown_price_is_recorded_as_unknown(gateway: Gateway) -> None:
    async with serve_openai() as fake:
        await gateway.provider(ProviderKind.OPENAI_COMPATIBLE, fake.base_url, name="inhouse")
        reply = await llm.request(gateway.ctx, asking("inhouse:secret-7b"))
    assert reply.cost is None
    [entry] = await gateway.booked()
    assert entry.cost is None
    assert entry.output_tokens == 7
