"""OpenAI's own client against the face, in front of OpenAI's wire and in front of another one."""

import struct
from typing import Any

import httpx2
import openai
import pytest

from tests.faces.openai.conftest import Face
from tests.fakes.llm import Fault, FaultKind, Reply, ToolCall, Usage

MODELS = ("gpt-4o-mini", "claude-sonnet-5")
USER: Any = [{"role": "user", "content": "hello"}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "refund", "parameters": {"type": "object", "properties": {"amount": {"type": "integer"}}}},
}


def both(face: Face, *items: Reply | Fault) -> None:
    """Have whichever provider is asked say this."""
    face.fake.script.enqueue(*items)
    face.claude.script.enqueue(*items)


@pytest.mark.parametrize("model", MODELS)
async def test_a_chat(face: Face, model: str) -> None:
    both(face, Reply("Good morning.", usage=Usage(20, 5)))
    reply = await face.client().chat.completions.create(model=model, messages=USER, max_tokens=50)
    assert reply.object == "chat.completion"
    assert reply.model == model
    [choice] = reply.choices
    assert (choice.message.content, choice.finish_reason) == ("Good morning.", "stop")
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (20, 5, 25)
    assert len(await face.gateway.booked()) == 1


@pytest.mark.parametrize("model", MODELS)
async def test_tools_both_ways(face: Face, model: str) -> None:
    both(face, Reply(tool_calls=(ToolCall("refund", {"amount": 7}, id="call_9"),)), Reply("Done."))
    client = face.client()
    first = await client.chat.completions.create(
        model=model, messages=USER, tools=[TOOL], tool_choice={"type": "function", "function": {"name": "refund"}}
    )
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    [call] = message.tool_calls
    assert call.type == "function"
    assert (call.function.name, call.function.arguments.replace(" ", "")) == ("refund", '{"amount":7}')
    answer: Any = {"role": "tool", "tool_call_id": call.id, "content": "ok"}
    history: Any = [*USER, message.model_dump(exclude_none=True), answer]
    second = await client.chat.completions.create(model=model, messages=history, tools=[TOOL])
    assert second.choices[0].message.content == "Done."


@pytest.mark.parametrize("model", MODELS)
async def test_a_stream(face: Face, model: str) -> None:
    both(face, Reply("A text in several pieces.", usage=Usage(20, 9)))
    stream = await face.client().chat.completions.create(
        model=model, messages=USER, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == (
        "A text in several pieces."
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 9
    assert len(await face.gateway.booked()) == 1


@pytest.mark.parametrize("model", MODELS)
async def test_the_usage_event_stays_away_when_nobody_asked(face: Face, model: str) -> None:
    stream = await face.client().chat.completions.create(model=model, messages=USER, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.choices for chunk in chunks)
    [entry] = await face.gateway.booked()
    assert entry.output_tokens == 7


@pytest.mark.parametrize("model", MODELS)
async def test_a_stream_of_tool_calls(face: Face, model: str) -> None:
    both(face, Reply(tool_calls=(ToolCall("refund", {"amount": 7}), ToolCall("refund", {"amount": 8}))))
    stream = await face.client().chat.completions.create(model=model, messages=USER, tools=[TOOL], stream=True)
    arguments = {0: "", 1: ""}
    names = []
    async for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or ():
            assert call.function is not None
            arguments[call.index] += call.function.arguments or ""
            names += [call.function.name] if call.function.name else []
    assert [text.replace(" ", "") for text in arguments.values()] == ['{"amount":7}', '{"amount":8}']
    assert names == ["refund", "refund"]


@pytest.mark.parametrize("model", MODELS)
async def test_a_cut_stream_is_an_error_and_no_end(face: Face, model: str) -> None:
    both(face, Fault(FaultKind.CUT_STREAM, reply=Reply("word " * 30), events_before=6))
    stream = await face.client().chat.completions.create(model=model, messages=USER, stream=True)
    with pytest.raises(openai.APIError, match="cut the stream"):
        [chunk async for chunk in stream]
    assert len(await face.gateway.booked()) == 1


async def test_structured_output(face: Face) -> None:
    both(face, Reply('{"city": "Rome"}'))
    form: Any = {
        "type": "json_schema",
        "json_schema": {"name": "place", "schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
    reply = await face.client().chat.completions.create(model="gpt-4o-mini", messages=USER, response_format=form)
    assert reply.choices[0].message.content == '{"city": "Rome"}'
    assert face.fake.script.requests[-1].json["response_format"] == form


async def test_the_providers_reply_is_passed_on_untouched(face: Face) -> None:
    async with httpx2.AsyncClient() as http:
        body = {"model": "gpt-4o-mini", "messages": USER, "logit_bias": {"1": 2}, "seed": 7}
        reply = await http.post(
            f"{face.base_url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {face.key}"}
        )
    assert reply.json()["system_fingerprint"] == "fp_fake"
    assert reply.headers["x-interlock-provider"] == "openai"
    assert float(reply.headers["x-interlock-cost"]) > 0
    assert face.fake.script.requests[-1].json == body


async def test_an_unknown_key(face: Face) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        await face.client("sk_live_wrong").chat.completions.create(model="gpt-4o-mini", messages=USER)
    assert caught.value.code == "invalid_api_key"


async def test_an_unknown_model(face: Face) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await face.client().chat.completions.create(model="nonesuch", messages=USER)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert "openai, anthropic" in caught.value.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 9}, "temperature"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"model": "claude-sonnet-5", "logit_bias": {"1": 1}}, "logit_bias"),
        ({"model": "claude-sonnet-5", "user": "bo"}, "user"),
        ({"model": "claude-sonnet-5", "response_format": {"type": "json_object"}}, "response_format"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(face: Face, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await face.client().chat.completions.create(**{"model": "gpt-4o-mini", "messages": USER, **fields})
    assert caught.value.param == param
    assert face.fake.script.requests == face.claude.script.requests == []


async def test_a_spent_budget_is_a_quota_and_not_retried(face: Face) -> None:
    await face.gateway.cap("0.0000001")
    client = face.client(max_retries=3)
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model="gpt-4o-mini", messages=USER)
    assert caught.value.code == "insufficient_quota"
    assert face.fake.script.requests == []


async def test_an_upstream_failure_is_told_without_its_key(face: Face) -> None:
    both(face, Fault(FaultKind.UNAUTHORIZED))
    with pytest.raises(openai.InternalServerError) as caught:
        await face.client().chat.completions.create(model="gpt-4o-mini", messages=USER)
    assert caught.value.code == "provider_unauthorized"
    assert "sk-" not in caught.value.message


async def test_models(face: Face) -> None:
    client = face.client()
    ids = [model.id async for model in client.models.list()]
    assert {"openai:gpt-4o-mini", "anthropic:claude-sonnet-5", "local:smollm2-135m-instruct"} <= set(ids)
    assert (await client.models.retrieve("openai:gpt-4o-mini")).owned_by == "openai"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nonesuch")


async def test_embeddings_as_floats_and_as_base64(face: Face) -> None:
    client = face.client()
    model = "openai:text-embedding-3-small"
    floats = await client.embeddings.create(model=model, input=["a", "b"], encoding_format="float")
    packed = await client.embeddings.create(model=model, input=["a", "b"])
    assert [row.index for row in floats.data] == [0, 1]
    for one, other in zip(floats.data, packed.data, strict=True):
        assert struct.pack("64f", *one.embedding) == struct.pack("64f", *other.embedding)
    assert floats.usage.prompt_tokens > 0
    assert len(await face.gateway.booked()) == 2


async def test_a_client_that_leaves_a_stream_pays_for_what_came(face: Face) -> None:
    both(face, Reply("word " * 5000))
    stream = await face.client().chat.completions.create(model="gpt-4o-mini", messages=USER, stream=True)
    async for _ in stream:
        break
    await stream.close()
    await stream.response.aclose()
    client = face.client()
    for _ in range(200):
        if await face.gateway.booked():
            break
        await client.models.list()
    assert len(await face.gateway.booked()) == 1
    assert await face.gateway.held() == []
