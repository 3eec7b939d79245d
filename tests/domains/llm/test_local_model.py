"""The embedded chat model behind pydantic-ai: text, structured output, streaming, and what it refuses."""

from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import (
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import ToolOutput
from pydantic_ai.settings import ModelSettings

from interlock.domains.llm.embedded.chat import ChatSettings, ChatTurn, EmbeddedChat
from interlock.domains.llm.embedded.local_model import LocalModel, _options, _turns
from interlock.kit.errors import InterlockError

NO_TOOLS = ModelRequestParameters()


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture
async def model() -> AsyncIterator[LocalModel]:
    chat = EmbeddedChat(ChatSettings(context_tokens=1024))
    yield LocalModel(chat, settings=ModelSettings(temperature=0, max_tokens=40))
    await chat.aclose()


@pytest.mark.slow_model
async def test_an_agent_chats_writes_json_and_streams(model: LocalModel) -> None:
    agent = Agent(model, instructions="You are a helpful assistant.")
    result = await agent.run("What is the capital of France?")
    assert "Paris" in result.output
    assert result.usage.input_tokens > 10
    assert result.usage.output_tokens > 0
    last = result.all_messages()[-1]
    assert isinstance(last, ModelResponse)
    assert (last.model_name, last.provider_name, last.finish_reason) == ("smollm2-135m-instruct", "local", "stop")
    person = await Agent(model, output_type=Person).run("Alice is 31 years old. Give name and age as JSON.")
    assert person.output == Person(name="Alice", age=31)
    async with agent.run_stream("Tell me a story.", model_settings=ModelSettings(max_tokens=12)) as stream:
        pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
    assert len(pieces) > 3
    assert stream.usage.output_tokens == 12


@pytest.mark.slow_model
async def test_a_cancelled_stream_ends_early_and_is_marked(model: LocalModel) -> None:
    request = ModelRequest(parts=[UserPromptPart("Tell me a very long story.")])
    async with model.request_stream([request], ModelSettings(max_tokens=900), NO_TOOLS) as stream:
        async for _ in stream:
            await stream.cancel()
        assert stream.get().state == "interrupted"
        assert stream.usage.input_tokens > 10
        assert 0 < stream.usage.output_tokens < 20


async def test_tools_are_refused_with_a_remedy(model: LocalModel) -> None:
    agent = Agent(model)

    @agent.tool_plain
    def lookup() -> int:
        return 1

    with pytest.raises(InterlockError, match="cannot call tools, and this request offers lookup") as caught:
        await agent.run("hi")
    assert caught.value.code == "tools_not_supported"
    assert "add a provider key" in (caught.value.hint or "")
    with pytest.raises(UserError, match="Tool output is not supported"):
        await Agent(model, output_type=ToolOutput(Person)).run("hi")


async def test_pictures_are_refused(model: LocalModel) -> None:
    request = ModelRequest(parts=[UserPromptPart(["look", ImageUrl("https://example.test/a.png")])])
    with pytest.raises(InterlockError, match="reads text only, and a message holds ImageUrl"):
        await model.request([request], None, NO_TOOLS)


def test_a_history_becomes_plain_turns() -> None:
    messages: list[ModelMessage] = [
        ModelRequest(parts=[SystemPromptPart("Be brief."), UserPromptPart(["Find", "Ada"])]),
        ModelResponse(parts=[ThinkingPart("hm"), TextPart("Looking."), ToolCallPart("find", {"q": "Ada"}, "1")]),
        ModelRequest(parts=[ToolReturnPart("find", {"id": 7}, "1")], instructions="Answer in English."),
    ]
    assert _turns(messages, NO_TOOLS) == [
        ChatTurn(role="system", content="Answer in English.\n\nBe brief."),
        ChatTurn(role="user", content="Find\nAda"),
        ChatTurn(role="assistant", content='Looking.\n\n(called find with {"q":"Ada"})'),
        ChatTurn(role="user", content='Result of find: {"id":7}'),
    ]


def test_settings_reach_the_model() -> None:
    asked = ModelSettings(temperature=0.5, top_p=0.7, seed=3, max_tokens=9, stop_sequences=["END"], timeout=5.0)
    options = _options(asked, NO_TOOLS)
    assert options.model_dump(exclude_none=True) == {
        "temperature": 0.5,
        "top_p": 0.7,
        "seed": 3,
        "max_tokens": 9,
        "stop": ("END",),
        "time_limit_seconds": 5.0,
    }
