from collections.abc import AsyncIterator

import anthropic
import httpx
import httpx2
import pytest
from anthropic.types import TextBlock, ToolUseBlock
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from tests.fakes.llm import FakeLLM, Fault, FaultKind, Reply, ToolCall, Usage, serve_anthropic

CALL = ToolCall("create_refund", {"charge_id": "ch_1", "amount_cents": 6490})


@pytest.fixture
async def fake() -> AsyncIterator[FakeLLM]:
    async with serve_anthropic() as running:
        yield running


@pytest.fixture
async def client(fake: FakeLLM) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=fake.base_url, api_key="sk-ant-fake", max_retries=0) as sdk:
        yield sdk


async def _ask(client: anthropic.AsyncAnthropic) -> anthropic.types.Message:
    return await client.messages.create(
        model="claude-fake-1", max_tokens=50, messages=[{"role": "user", "content": "x"}]
    )


async def test_the_sdk_reads_a_whole_message(fake: FakeLLM, client: anthropic.AsyncAnthropic) -> None:
    fake.script.enqueue(Reply("Let me see.", tool_calls=(CALL,), usage=Usage(20, 9, cached=5)))
    answer = await _ask(client)
    text, tool = answer.content
    assert isinstance(text, TextBlock)
    assert isinstance(tool, ToolUseBlock)
    assert (text.text, tool.name, tool.input) == ("Let me see.", CALL.name, CALL.arguments)
    assert answer.stop_reason == "tool_use"
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens, answer.usage.output_tokens) == (15, 5, 9)
    (request,) = fake.script.requests
    assert request.headers["authorization"] == "Bearer sk-ant-fake"


async def test_the_sdk_assembles_the_streamed_events(fake: FakeLLM, client: anthropic.AsyncAnthropic) -> None:
    fake.script.enqueue(Reply("Let me look this up.", tool_calls=(CALL,), usage=Usage(20, 9)))
    async with client.messages.stream(
        model="claude-fake-1", max_tokens=50, messages=[{"role": "user", "content": "x"}]
    ) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_message()
    text, tool = final.content
    assert isinstance(text, TextBlock)
    assert isinstance(tool, ToolUseBlock)
    assert (text.text, tool.input) == ("Let me look this up.", CALL.arguments)
    assert (final.stop_reason, final.usage.output_tokens) == ("tool_use", 9)
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 2


@pytest.mark.parametrize(
    ("kind", "error", "status", "name"),
    [
        (FaultKind.UNAUTHORIZED, anthropic.AuthenticationError, 401, "authentication_error"),
        (FaultKind.RATE_LIMITED, anthropic.RateLimitError, 429, "rate_limit_error"),
        (FaultKind.SERVER_ERROR, anthropic.InternalServerError, 500, "api_error"),
        (FaultKind.OVERLOADED, anthropic.InternalServerError, 529, "overloaded_error"),
    ],
)
async def test_faults_raise_the_sdks_own_errors(
    fake: FakeLLM,
    client: anthropic.AsyncAnthropic,
    kind: FaultKind,
    error: type[anthropic.APIStatusError],
    status: int,
    name: str,
) -> None:
    fake.script.enqueue(Fault(kind, retry_after=2))
    with pytest.raises(error) as caught:
        await _ask(client)
    assert caught.value.status_code == status
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == name


async def test_a_stream_can_break_off(fake: FakeLLM, client: anthropic.AsyncAnthropic) -> None:
    fake.script.enqueue(Fault(FaultKind.CUT_STREAM, reply=Reply("never finished at all"), events_before=5))
    async with client.messages.stream(
        model="claude-fake-1", max_tokens=50, messages=[{"role": "user", "content": "x"}]
    ) as stream:
        with pytest.raises(httpx2.RemoteProtocolError):
            await stream.get_final_message()


async def test_malformed_arguments_cannot_be_assembled(fake: FakeLLM, client: anthropic.AsyncAnthropic) -> None:
    fake.script.enqueue(Reply(tool_calls=(ToolCall("t", '{"a": ]'),)))
    async with client.messages.stream(
        model="claude-fake-1", max_tokens=50, messages=[{"role": "user", "content": "x"}]
    ) as stream:
        with pytest.raises(ValueError, match="Unable to parse"):
            await stream.get_final_message()


async def test_requests_that_anthropic_refuses_are_refused(fake: FakeLLM, client: anthropic.AsyncAnthropic) -> None:
    async with httpx.AsyncClient(base_url=fake.base_url) as raw:
        anonymous = await raw.post("/v1/messages", json={})
        unversioned = await raw.post("/v1/messages", json={}, headers={"x-api-key": "k"})
    with pytest.raises(anthropic.BadRequestError, match="messages: Field required"):
        await client.messages.create(model="m", max_tokens=5, messages=[])
    assert (anonymous.status_code, unversioned.status_code) == (401, 400)
    assert [model.id async for model in client.models.list()] == ["claude-fake-1", "claude-fake-1-mini"]


async def test_a_pydantic_ai_agent_streams_against_it(fake: FakeLLM, client: anthropic.AsyncAnthropic) -> None:
    agent = Agent(AnthropicModel("claude-fake-1", provider=AnthropicProvider(anthropic_client=client)))
    fake.script.say("Hello there, how are you?")
    async with agent.run_stream("hi") as result:
        assert await result.get_output() == "Hello there, how are you?"
