"""The scripted model: it plays its file through a real agent, keeps no state, and never passes for a model."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai import Agent
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from interlock.domains.llm.embedded.chat import ChatSettings, EmbeddedChat
from interlock.domains.llm.script_file import parse_script
from interlock.domains.llm.scripted import ScriptedModel, resolve_pointer
from interlock.kit.errors import InterlockError, Kind

NO_TOOLS = ModelRequestParameters()


def scripted(*turns: dict[str, Any], **options: Any) -> ScriptedModel:
    return ScriptedModel(parse_script(json.dumps({"label": "demo", "turns": turns})), **options)


def said(text: str) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(text)])


def crm_agent(model: ScriptedModel) -> tuple[Agent, list[dict[str, Any]]]:
    agent, calls = Agent(model), []

    @agent.tool_plain(name="crm__create_contact")
    def create_contact(**arguments: Any) -> dict[str, Any]:
        calls.append(arguments)
        return {"contact": {"id": f"c{len(calls)}", "tags/all": ["new", "vip"]}}

    return agent, calls


CRM_TURNS: tuple[dict[str, Any], ...] = (
    {"expect": {"contains": "Ada"}, "tool_calls": [{"tool": "crm.create_contact", "arguments": {"name": "Ada"}}]},
    {
        "text": "Linking.",
        "tool_calls": [
            {
                "tool": "crm.create_contact",
                "arguments": {
                    "name": "Bob",
                    "of": [{"$from": "/contact/id"}],
                    "tag": {"$from": "/contact/tags~1all/1"},
                },
            }
        ],
    },
    {"expect": {"contains": '"c2"'}, "text": "Both are in the CRM."},
)


async def test_it_plays_tools_pointers_and_text_through_an_agent() -> None:
    agent, calls = crm_agent(scripted(*CRM_TURNS))
    result = await agent.run("Please add Ada.")
    assert result.output == "Both are in the CRM."
    assert calls == [{"name": "Ada"}, {"name": "Bob", "of": ["c1"], "tag": "vip"}]


async def test_it_continues_from_stored_history_after_a_restart() -> None:
    first, _ = crm_agent(scripted(*CRM_TURNS))
    history = (await first.run("Please add Ada.")).all_messages_json()
    messages = ModelMessagesTypeAdapter.validate_json(history)
    response = await scripted(*CRM_TURNS).request(messages[:-1], None, NO_TOOLS)
    assert response.text == "Both are in the CRM."
    calls = [part for message in messages for part in message.parts if isinstance(part, ToolCallPart)]
    assert [call.tool_call_id for call in calls] == ["demo-1-0", "demo-2-0"]


async def test_it_is_always_named_and_labelled_as_scripted() -> None:
    model = scripted({"text": "four words of text"})
    response = await model.request([said("two words")], None, NO_TOOLS)
    assert response.model_name == model.model_name == "scripted:demo"
    assert response.provider_name == "scripted"
    assert response.provider_details == {"scripted": True, "usage_counted_in": "words", "cost": "0"}
    assert (response.usage.input_tokens, response.usage.output_tokens) == (2, 4)


async def test_a_stream_brings_words_then_calls_and_equals_the_whole() -> None:
    call = {"tool": "t.x", "arguments": {"a": 1}}
    model = scripted({"text": "Good morning,\n dear  Ada. ", "tool_calls": [call]})
    parameters = ModelRequestParameters(function_tools=[ToolDefinition(name="t_x")])
    async with model.request_stream([said("hi")], None, parameters) as stream:
        events = [event async for event in stream]
    starts = [event.part for event in events if isinstance(event, PartStartEvent)]
    deltas = [event.delta for event in events if isinstance(event, PartDeltaEvent)]
    assert isinstance(starts[0], TextPart)
    words = [starts[0].content, *(delta.content_delta for delta in deltas if isinstance(delta, TextPartDelta))]
    assert "".join(words) == "Good morning,\n dear  Ada. "
    assert len(words) == 4
    whole = await model.request([said("hi")], None, parameters)
    assert stream.get().text == whole.text
    assert stream.get().usage == whole.usage
    (streamed,), (called,) = stream.get().tool_calls, whole.tool_calls
    assert (streamed.tool_name, streamed.args_as_dict(), streamed.tool_call_id) == ("t_x", {"a": 1}, "demo-1-0")
    assert called.args_as_dict() == {"a": 1}


@given(st.text().filter(str.strip))
async def test_the_streamed_words_are_exactly_the_text(text: str) -> None:
    async with scripted({"text": text}).request_stream([said("x")], None, NO_TOOLS) as stream:
        async for _ in stream:
            pass
        assert stream.get().text == text
        assert stream.get().finish_reason == "stop"
        assert stream.get().provider_details == {"scripted": True, "usage_counted_in": "words", "cost": "0"}
        assert stream.usage.output_tokens == len(text.split())


async def test_a_cancelled_stream_stops_between_words() -> None:
    async with scripted({"text": "one two three"}).request_stream([said("x")], None, NO_TOOLS) as stream:
        async for _ in stream:
            await stream.cancel()
        assert stream.get().text == "one"
        assert stream.get().state == "interrupted"


async def test_a_mismatch_names_the_turn_and_both_texts() -> None:
    model = scripted({"text": "a"}, {"expect": {"contains": "refund"}, "text": "b"})
    history: list[ModelMessage] = [said("refund"), ModelResponse(parts=[TextPart("a")]), said("weather")]
    with pytest.raises(InterlockError, match=r"turn 2, field expect\.contains: .*'refund'.*'weather'") as caught:
        await model.request(history, None, NO_TOOLS)
    assert caught.value.kind is Kind.CONFLICT
    assert caught.value.code == "script_mismatch"


async def test_a_system_prompt_does_not_meet_an_expectation() -> None:
    model = scripted({"expect": {"contains": "refund"}, "text": "b"})
    request = ModelRequest(parts=[SystemPromptPart("You handle refunds."), UserPromptPart("hello")])
    with pytest.raises(InterlockError, match="but it is 'hello'"):
        await model.request([request], None, NO_TOOLS)


async def test_after_the_last_turn_it_says_so() -> None:
    history: list[ModelMessage] = [said("x"), ModelResponse(parts=[TextPart("a")]), said("y")]
    with pytest.raises(InterlockError, match="turn 2: the script has only 1 turn") as caught:
        await scripted({"text": "a"}).request(history, None, NO_TOOLS)
    assert caught.value.code == "script_exhausted"


async def test_a_tool_nobody_offers_is_an_error_at_its_turn() -> None:
    agent, _ = crm_agent(scripted({"tool_calls": [{"tool": "mail.send"}]}))
    with pytest.raises(InterlockError, match=r"turn 1, field tool_calls\[0\].tool: .*'mail.send'.*crm__create_contact"):
        await agent.run("x")


@pytest.mark.parametrize(
    ("returned", "said_then"),
    [(None, "no tool has answered yet"), ({"other": 1}, "is not in the result of lookup"), ("text", "is not in the")],
)
async def test_a_pointer_to_nothing_is_an_error_at_its_place(returned: Any, said_then: str) -> None:
    agent, calls = crm_agent(
        scripted({"text": "a"}, {"tool_calls": [{"tool": "crm.create_contact", "arguments": {"x": {"$from": "/id"}}}]})
    )
    asked, answer = [ToolCallPart("lookup", {}, "c0")], [ToolReturnPart("lookup", returned, "c0")]
    history: list[ModelMessage] = [said("x"), ModelResponse(parts=[TextPart("a"), *(asked if returned else [])])]
    if returned is not None:
        history.append(ModelRequest(parts=answer))
    with pytest.raises(InterlockError, match=rf"turn 2, field tool_calls\[0\].arguments.x: .*{said_then}"):
        await agent.run("go", message_history=history)
    assert calls == []


DRAFT_TURN = {
    "tool_calls": [
        {
            "tool": "crm.create_contact",
            "arguments": {"note": {"$draft": {"prompt": "Greet Ada in one short sentence.", "max_tokens": 24}}},
        }
    ]
}


async def test_a_draft_without_a_drafter_is_refused() -> None:
    agent, _ = crm_agent(scripted(DRAFT_TURN))
    with pytest.raises(InterlockError, match=r"arguments.note: a \$draft needs a drafting model"):
        await agent.run("x")


@pytest.fixture
async def chat() -> AsyncIterator[EmbeddedChat]:
    chat = EmbeddedChat(ChatSettings(context_tokens=512))
    yield chat
    await chat.aclose()


@pytest.mark.slow_model
async def test_a_draft_is_really_written_by_the_embedded_model(chat: EmbeddedChat) -> None:
    agent, calls = crm_agent(scripted(DRAFT_TURN, {"text": "Done."}, drafter=chat.draft))
    assert (await agent.run("x")).output == "Done."
    (call,) = calls
    assert len(call["note"].split()) > 2
    assert "$draft" not in call["note"]


@given(st.dictionaries(st.text(), st.integers(), min_size=1), st.data())
def test_pointers_follow_any_key(document: dict[str, int], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(document)))
    pointer = "/list/1/" + key.replace("~", "~0").replace("/", "~1")
    assert resolve_pointer({"list": [0, document]}, pointer) == document[key]
    assert resolve_pointer(document, "") is document
