"""Chat completion and streams for faces, over each provider's own wire."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from interlock.domains.llm import service as llm
from interlock.domains.llm.chat import ChatDelta, CompleteChat, Finished, FinishReason, TextDelta, ToolCallDelta
from interlock.domains.llm.providers import relay
from interlock.domains.llm.views import ModelPrice, ProviderKind
from interlock.kit.errors import InterlockError, Kind
from tests.domains.llm.gateway import Gateway
from tests.domains.llm.test_request import MODELS, SERVERS
from tests.fakes.llm import FakeLLM, Fault, FaultKind, Finish, Reply, ToolCall, Usage, serve_openai

TOOL = {
    "type": "function",
    "function": {
        "name": "refund",
        "description": "Refund a charge.",
        "parameters": {"type": "object", "properties": {"amount": {"type": "integer"}}},
    },
}
HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Refund 5."},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"amount":5}'}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "done"},
    {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
]


@dataclass
class Wire:
    kind: ProviderKind
    model: str
    fake: FakeLLM
    gateway: Gateway

    def chat(self, **fields: Any) -> CompleteChat:
        values = {"model": self.model, "messages": [{"role": "user", "content": "hello"}], **fields}
        return CompleteChat.model_validate(values)

    async def stream(self, **fields: Any) -> llm.ChatStream:
        return await self.gateway.call(llm.stream, self.chat(**fields))


@pytest.fixture(params=list(MODELS), ids=[kind.value for kind in MODELS])
async def wire(request: pytest.FixtureRequest, gateway: Gateway) -> AsyncIterator[Wire]:
    kind: ProviderKind = request.param
    server: AbstractAsyncContextManager[FakeLLM] = SERVERS[kind]()
    async with server as fake:
        await gateway.provider(kind, fake.base_url, timeout_seconds=1)
        yield Wire(kind, MODELS[kind], fake, gateway)


async def deltas(stream: llm.ChatStream, received: list[ChatDelta] | None = None) -> list[ChatDelta]:
    found: list[ChatDelta] = [] if received is None else received
    async for piece in stream.pieces():
        found += piece.deltas
    return found


def text_of(found: list[ChatDelta]) -> str:
    return "".join(delta.text for delta in found if isinstance(delta, TextDelta))


async def test_a_conversation_with_tools_is_continued(wire: Wire) -> None:
    wire.fake.script.enqueue(Reply(tool_calls=(ToolCall("refund", {"amount": 7}),), usage=Usage(50, 9)))
    reply = await wire.gateway.call(llm.complete, wire.chat(messages=HISTORY, tools=[TOOL], tool_choice="auto"))
    [call] = reply.tool_calls
    assert (call.name, call.arguments.replace(" ", "")) == ("refund", '{"amount":7}')
    assert (reply.finish_reason, reply.usage.input_tokens) == (FinishReason.TOOL_CALLS, 50)
    sent = wire.fake.script.requests[-1].body
    assert b"Be brief." in sent
    assert b"And now?" in sent
    assert b"done" in sent


async def test_the_reply_has_text_finish_usage_and_cost(wire: Wire) -> None:
    wire.fake.script.enqueue(Reply("Cut he", finish=Finish.LENGTH, usage=Usage(1000, 200)))
    reply = await wire.gateway.call(llm.complete, wire.chat(max_tokens=10, stop=["x"]))
    assert (reply.text, reply.finish_reason) == ("Cut he", FinishReason.LENGTH)
    assert reply.cost
    assert await wire.gateway.spent() == reply.cost


async def test_a_json_schema_is_passed_on(wire: Wire) -> None:
    wire.fake.script.say('{"city": "Rome"}')
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    reply = await wire.gateway.call(llm.complete, wire.chat(response_format=form))
    assert reply.text == '{"city": "Rome"}'
    assert b"city" in wire.fake.script.requests[-1].body


async def test_a_stream_brings_text_finish_usage_and_cost(wire: Wire) -> None:
    wire.fake.script.enqueue(Reply("A longer text in several pieces.", usage=Usage(1000, 30)))
    found = await deltas(await wire.stream())
    assert text_of(found) == "A longer text in several pieces."
    assert sum(isinstance(delta, TextDelta) for delta in found) > 1
    last = found[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.usage.input_tokens, last.usage.output_tokens) == (FinishReason.STOP, 1000, 30)
    assert last.cost == await wire.gateway.spent()
    assert await wire.gateway.held() == []


async def test_a_stream_brings_tool_calls_in_pieces(wire: Wire) -> None:
    calls = (ToolCall("refund", {"amount": 7}), ToolCall("refund", {"amount": 8}))
    wire.fake.script.enqueue(Reply(tool_calls=calls))
    found = await deltas(await wire.stream(tools=[TOOL]))
    arguments = {0: "", 1: ""}
    for delta in found:
        if isinstance(delta, ToolCallDelta):
            arguments[delta.index] += delta.arguments
    assert [value.replace(" ", "") for value in arguments.values()] == ['{"amount":7}', '{"amount":8}']
    named = [delta for delta in found if isinstance(delta, ToolCallDelta) and delta.name]
    assert [delta.name for delta in named] == ["refund", "refund"]
    assert all(delta.id for delta in named)
    assert isinstance(found[-1], Finished)
    assert found[-1].reason is FinishReason.TOOL_CALLS


async def test_a_cut_stream_is_told_and_what_came_is_booked_as_an_estimate(wire: Wire) -> None:
    wire.fake.script.enqueue(Fault(FaultKind.CUT_STREAM, reply=Reply("word " * 40), events_before=6))
    stream = await wire.stream()
    received: list[ChatDelta] = []
    with pytest.raises(InterlockError) as caught:
        await deltas(stream, received)
    assert (caught.value.kind, caught.value.code) == (Kind.UPSTREAM, "provider_cut")
    assert text_of(received)
    assert stream.usage is not None
    assert stream.usage.estimated
    [entry] = await wire.gateway.booked()
    assert entry.output_tokens >= len(text_of(received)) // 4
    assert entry.cost
    assert await wire.gateway.held() == []


@pytest.mark.parametrize(("size", "fits"), [(900_000, True), (1_100_000, False)])
async def test_one_huge_event_is_a_providers_error(size: int, fits: bool) -> None:
    sent = b'data: {"choices": [{"delta": {"content": "%s"}, "finish_reason": "stop"}]}\n\n' % (b"x" * size)
    read = 0

    class Response:
        async def chunks(self) -> AsyncIterator[bytes]:
            nonlocal read
            for start in range(0, len(sent), 50_000):
                read = start
                yield sent[start : start + 50_000]

    response: Any = Response()
    pieces = relay._Tap("acme", response).pieces()
    if fits:
        assert [text_of([*piece.deltas]) async for piece in pieces] == ["x" * size]
        return
    with pytest.raises(InterlockError) as caught:
        await anext(pieces)
    assert (caught.value.kind, caught.value.code) == (Kind.UPSTREAM, "provider_bad_response")
    assert "1,000,000 bytes" in caught.value.message
    assert read < size


async def test_a_failure_before_the_first_piece_is_tried_again(wire: Wire) -> None:
    wire.fake.script.enqueue(Fault(FaultKind.OVERLOADED), Reply("there"))
    assert text_of(await deltas(await wire.stream())) == "there"


async def test_a_reader_who_leaves_pays_for_what_came(wire: Wire) -> None:
    wire.fake.script.enqueue(Reply("word " * 200))
    stream = await wire.stream()
    async for _ in stream.pieces():
        break
    await stream.aclose()
    await stream.aclose()
    assert len(await wire.gateway.booked()) == 1
    assert await wire.gateway.held() == []


async def test_a_stream_that_nobody_reads_holds_no_money(wire: Wire) -> None:
    stream = await wire.stream()
    await stream.aclose()
    assert await wire.gateway.held() == []


async def test_a_spent_budget_stops_a_stream(wire: Wire) -> None:
    await wire.gateway.cap("0.0000001")
    with pytest.raises(InterlockError) as caught:
        await wire.stream()
    assert caught.value.kind is Kind.BUDGET_EXCEEDED
    assert wire.fake.script.requests == []


async def test_fields_of_openai_travel_to_those_who_speak_it_and_are_refused_elsewhere(wire: Wire) -> None:
    chat = wire.chat(extra={"logit_bias": {"5": 1}})
    if wire.kind is ProviderKind.OPENAI:
        await wire.gateway.call(llm.complete, chat)
        assert wire.fake.script.requests[-1].json["logit_bias"] == {"5": 1}
        return
    with pytest.raises(InterlockError) as caught:
        await wire.gateway.call(llm.complete, chat)
    assert (caught.value.kind, caught.value.data["field"]) == (Kind.INVALID, "logit_bias")
    assert wire.fake.script.requests == []


async def test_what_one_provider_refuses_goes_to_the_fallback_that_can(gateway: Gateway) -> None:
    async with SERVERS[ProviderKind.ANTHROPIC]() as claude, serve_openai() as gpt:
        await gateway.provider(ProviderKind.ANTHROPIC, claude.base_url)
        await gateway.provider(ProviderKind.OPENAI, gpt.base_url)
        await gateway.route("smart", "claude-sonnet-5", "gpt-4o-mini")
        wire = Wire(ProviderKind.OPENAI, "smart", gpt, gateway)
        reply = await gateway.call(llm.complete, wire.chat(seed=7))
    assert reply.provider == "openai"
    assert claude.script.requests == []


async def test_the_callers_body_goes_out_as_it_came(gateway: Gateway) -> None:
    async with serve_openai() as fake:
        await gateway.provider(ProviderKind.OPENAI, fake.base_url)
        wire = Wire(ProviderKind.OPENAI, "openai:gpt-4o-mini", fake, gateway)
        message = {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}
        await gateway.call(llm.complete, wire.chat(messages=[message], max_completion_tokens=5, tools=[TOOL]))
    sent = fake.script.requests[-1].json
    assert sent == {"model": "gpt-4o-mini", "messages": [message], "max_completion_tokens": 5, "tools": [TOOL]}


async def test_a_provider_that_counts_nothing_is_estimated(gateway: Gateway) -> None:
    async with serve_openai() as fake:
        prices = {"*": ModelPrice(input=Decimal(1), output=Decimal(2))}
        await gateway.provider(ProviderKind.OPENAI_COMPATIBLE, fake.base_url, name="own", prices=prices)
        wire = Wire(ProviderKind.OPENAI_COMPATIBLE, "own:x", fake, gateway)
        fake.script.enqueue(Reply("hi", usage=Usage(0, 0)), Fault(FaultKind.CUT_STREAM, reply=Reply("word " * 9)))
        reply = await gateway.call(llm.complete, wire.chat())
        assert not reply.usage.estimated
        stream = await wire.stream()
        with pytest.raises(InterlockError):
            await deltas(stream)
    assert stream.usage is not None
    assert stream.usage.estimated
    assert stream.cost


async def test_a_setting_that_a_model_would_ignore_is_refused(gateway: Gateway) -> None:
    async with SERVERS[ProviderKind.ANTHROPIC]() as fake:
        await gateway.provider(ProviderKind.ANTHROPIC, fake.base_url)
        wire = Wire(ProviderKind.ANTHROPIC, "claude-sonnet-5", fake, gateway)
        with pytest.raises(InterlockError, match="temperature"):
            await gateway.call(llm.complete, wire.chat(temperature=0.5))
    assert fake.script.requests == []
