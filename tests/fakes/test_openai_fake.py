from collections.abc import AsyncIterator

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionToolParam
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.fakes.llm import FakeLLM, Fault, FaultKind, Finish, Reply, ToolCall, Usage, serve_openai

REFUND = ToolCall("payments.create_refund", {"charge_id": "ch_1", "amount_cents": 6490})
TOOL: ChatCompletionToolParam = {"type": "function", "function": {"name": "payments.create_refund"}}


@pytest.fixture
async def fake() -> AsyncIterator[FakeLLM]:
    async with serve_openai() as running:
        yield running


@pytest.fixture
async def client(fake: FakeLLM) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=fake.base_url, api_key="sk-fake", max_retries=0) as sdk:
        yield sdk


async def test_the_sdk_reads_a_whole_completion(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    fake.script.enqueue(Reply("Hi Maya", usage=Usage(input=20, output=3, cached=5)))
    answer = await client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "hello"}])
    assert (answer.model, answer.choices[0].message.content, answer.choices[0].finish_reason) == (
        "m-1",
        "Hi Maya",
        "stop",
    )
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert (answer.usage.total_tokens, answer.usage.prompt_tokens_details.cached_tokens) == (23, 5)
    (request,) = fake.script.requests
    assert request.headers["authorization"] == "Bearer sk-fake"
    assert request.json["messages"] == [{"role": "user", "content": "hello"}]


async def test_an_empty_script_says_the_default(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "hello"}])
    assert answer.choices[0].message.content == "Hello from the fake model."


async def test_the_sdk_assembles_a_streamed_text_with_its_usage(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    fake.script.enqueue(Reply("A longer text in pieces", usage=Usage(9, 4), finish=Finish.LENGTH))
    stream = await client.chat.completions.create(
        model="m-1", messages=[{"role": "user", "content": "x"}], stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "A longer text in pieces"
    assert [c.usage.total_tokens for c in chunks if c.usage is not None] == [13]
    assert chunks[-1].choices == []
    assert chunks[-2].choices[0].finish_reason == "length"


async def test_no_usage_chunk_unless_asked_for(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "x"}], stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_tool_calls_come_whole_and_in_streamed_pieces(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    reply = Reply(tool_calls=(REFUND, ToolCall("crm.create_contact", {"email": "m@x.example"}, id="call_own")))
    fake.script.enqueue(reply, reply)
    whole = await client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "x"}], tools=[TOOL])
    calls = whole.choices[0].message.tool_calls or []
    assert [call.id for call in calls] == ["call_fake0", "call_own"]
    assert whole.choices[0].finish_reason == "tool_calls"
    async with client.chat.completions.stream(
        model="m-1", messages=[{"role": "user", "content": "x"}], tools=[TOOL]
    ) as stream:
        pieces = [event async for event in stream if event.type == "tool_calls.function.arguments.delta"]
        final = (await stream.get_final_completion()).choices[0].message.tool_calls or []
    assert len(pieces) > 4
    assert [(c.function.name, c.function.arguments) for c in final] == [
        (c.function.name, c.function.arguments) for c in calls if c.type == "function"
    ]


async def test_embeddings_are_stable_in_both_encodings(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    packed = await client.embeddings.create(model="fake-embedding-1", input=["refund", "invoice"], dimensions=8)
    plain = await client.embeddings.create(
        model="fake-embedding-1", input="refund", dimensions=8, encoding_format="float"
    )
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert sum(x * x for x in plain.data[0].embedding) == pytest.approx(1.0, abs=1e-5)
    assert [r.json["encoding_format"] for r in fake.script.requests] == ["base64", "float"]


async def test_models_are_listed(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["fake-1", "fake-1-mini", "fake-embedding-1"]


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        (FaultKind.UNAUTHORIZED, openai.AuthenticationError, 401),
        (FaultKind.RATE_LIMITED, openai.RateLimitError, 429),
        (FaultKind.SERVER_ERROR, openai.InternalServerError, 500),
        (FaultKind.OVERLOADED, openai.InternalServerError, 503),
    ],
)
async def test_faults_raise_the_sdks_own_errors_once(
    fake: FakeLLM, client: openai.AsyncOpenAI, kind: FaultKind, error: type[openai.APIStatusError], status: int
) -> None:
    fake.script.enqueue(Fault(kind, retry_after=3))
    with pytest.raises(error) as caught:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert caught.value.status_code == status
    assert caught.value.response.headers.get("retry-after") == ("3" if kind is FaultKind.RATE_LIMITED else None)
    after = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert after.choices[0].message.content == "Hello from the fake model."


async def test_a_stream_can_break_off_or_turn_to_garbage(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    fake.script.enqueue(Fault(FaultKind.CUT_STREAM), Fault(FaultKind.INVALID_JSON))
    seen = []
    for error in (openai.APIConnectionError, ValueError):
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}], stream=True
        )
        with pytest.raises(error):
            seen += [chunk.choices[0].delta.content async for chunk in stream]
        await stream.close()
    assert fake.script.pending == 0


async def test_whole_answers_break_too(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    fake.script.enqueue(*(Fault(kind) for kind in (FaultKind.CUT_STREAM, FaultKind.CUT)), Fault(FaultKind.TIMEOUT))
    for error in (openai.APIConnectionError, openai.APIConnectionError, openai.APITimeoutError):
        with pytest.raises(error):
            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], timeout=0.1)
    fake.script.enqueue(Fault(FaultKind.INVALID_JSON))
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])


async def test_malformed_arguments_travel_as_they_are(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    fake.script.enqueue(Reply(tool_calls=(ToolCall("t", '{"a": '),)))
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.arguments == '{"a": '


async def test_requests_that_openai_refuses_are_refused(fake: FakeLLM) -> None:
    async with httpx.AsyncClient(base_url=fake.base_url) as raw:
        anonymous = await raw.post("/chat/completions", json={})
        headers = {"authorization": "Bearer k"}
        broken = await raw.post("/chat/completions", content=b"{", headers=headers)
        missing = await raw.post("/chat/completions", json={"model": "m"}, headers=headers)
        unknown = await raw.get("/nothing", headers=headers)
    assert [r.status_code for r in (anonymous, broken, missing, unknown)] == [401, 400, 400, 404]
    assert missing.json()["error"]["param"] == "messages"


async def test_a_pydantic_ai_agent_runs_against_it(fake: FakeLLM, client: openai.AsyncOpenAI) -> None:
    agent = Agent(OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client)))

    @agent.tool_plain
    def lookup(order: str) -> str:
        return f"order {order} was charged twice"

    fake.script.enqueue(Reply(tool_calls=(ToolCall("lookup", {"order": "NW-1"}),)), Reply("Refunded."))
    result = await agent.run("check NW-1")
    assert result.output == "Refunded."
    assert fake.script.requests[1].json["messages"][-1]["content"] == "order NW-1 was charged twice"
