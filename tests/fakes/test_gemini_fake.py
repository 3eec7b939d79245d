from collections.abc import AsyncIterator

import httpx2
import pytest
from google import genai
from google.genai import errors, types
from pydantic_ai import Agent
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

from tests.fakes.llm import FakeLLM, Fault, FaultKind, Reply, ToolCall, Usage, serve_gemini

CALL = ToolCall("create_refund", {"charge_id": "ch_1", "amount_cents": 6490})


@pytest.fixture
async def fake() -> AsyncIterator[FakeLLM]:
    async with serve_gemini() as running:
        yield running


@pytest.fixture
async def client(fake: FakeLLM) -> AsyncIterator[genai.Client]:
    # Its own default transport is aiohttp where that is installed, whose newest version deprecates what the SDK does.
    async with httpx2.AsyncClient() as transport:
        options = types.HttpOptions(base_url=fake.base_url, httpx_async_client=transport)
        sdk = genai.Client(api_key="fake-key", http_options=options)
        yield sdk
        sdk.close()


async def test_the_sdk_reads_a_whole_answer(fake: FakeLLM, client: genai.Client) -> None:
    fake.script.enqueue(Reply("Looking.", tool_calls=(CALL,), usage=Usage(20, 9, cached=5)))
    answer = await client.aio.models.generate_content(model="gemini-fake-1", contents="x")
    assert answer.function_calls is not None
    assert (answer.function_calls[0].name, answer.function_calls[0].args) == (CALL.name, CALL.arguments)
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata.total_token_count, answer.usage_metadata.cached_content_token_count) == (29, 5)
    assert fake.script.requests[0].headers["x-goog-api-key"] == "fake-key"


async def test_the_sdk_reads_a_stream(fake: FakeLLM, client: genai.Client) -> None:
    fake.script.enqueue(Reply("A text in several pieces", usage=Usage(4, 6)))
    stream = await client.aio.models.generate_content_stream(model="gemini-fake-1", contents="x")
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks) == "A text in several pieces"
    assert len(chunks) == 3
    last = chunks[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert last.usage_metadata.total_token_count == 10


async def test_malformed_arguments_become_a_finish_reason(fake: FakeLLM, client: genai.Client) -> None:
    fake.script.enqueue(Reply(tool_calls=(ToolCall("t", '{"a": '),)))
    answer = await client.aio.models.generate_content(model="gemini-fake-1", contents="x")
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL


@pytest.mark.parametrize(
    ("kind", "error", "code", "status"),
    [
        (FaultKind.UNAUTHORIZED, errors.ClientError, 400, "INVALID_ARGUMENT"),
        (FaultKind.RATE_LIMITED, errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        (FaultKind.SERVER_ERROR, errors.ServerError, 500, "INTERNAL"),
        (FaultKind.OVERLOADED, errors.ServerError, 503, "UNAVAILABLE"),
    ],
)
async def test_faults_raise_the_sdks_own_errors(
    fake: FakeLLM, client: genai.Client, kind: FaultKind, error: type[errors.APIError], code: int, status: str
) -> None:
    fake.script.enqueue(Fault(kind))
    with pytest.raises(error) as caught:
        await client.aio.models.generate_content(model="gemini-fake-1", contents="x")
    assert (caught.value.code, caught.value.status) == (code, status)


async def test_a_stream_can_break_off(fake: FakeLLM, client: genai.Client) -> None:
    fake.script.enqueue(Fault(FaultKind.CUT_STREAM, events_before=1))
    stream = await client.aio.models.generate_content_stream(model="gemini-fake-1", contents="x")
    with pytest.raises(httpx2.RemoteProtocolError):
        _ = [chunk async for chunk in stream]


async def test_a_pydantic_ai_agent_calls_a_tool_against_it(fake: FakeLLM, client: genai.Client) -> None:
    agent = Agent(GoogleModel("gemini-fake-1", provider=GoogleProvider(client=client)))

    @agent.tool_plain
    def lookup(order: str) -> str:
        return f"order {order} was charged twice"

    fake.script.enqueue(Reply(tool_calls=(ToolCall("lookup", {"order": "NW-1"}),)), Reply("Refunded."))
    result = await agent.run("check NW-1")
    assert result.output == "Refunded."
    assert len(fake.script.requests) == 2
