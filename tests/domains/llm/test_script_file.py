"""Conversation files: what is accepted, and that every error names the turn and the field."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.llm.script_file import Script, load_script, parse_script
from interlock.kit.errors import InterlockError, Kind

GOOD: dict[str, Any] = {"label": "demo", "turns": [{"text": "Hello"}]}

words = st.text(alphabet=st.characters(codec="utf-8"), min_size=1).filter(str.strip)
keys = st.text(min_size=1).filter(lambda key: not key.startswith("$"))
pointers = st.lists(st.text(alphabet="ab/~0é")).map(
    lambda steps: "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
)
special = st.one_of(
    st.fixed_dictionaries({"$draft": st.fixed_dictionaries({"prompt": words}, optional={"max_tokens": st.just(9)})}),
    st.fixed_dictionaries({"$from": pointers}),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words | special,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
calls = st.fixed_dictionaries({"tool": words}, optional={"arguments": st.dictionaries(keys, values, max_size=3)})
turns = st.fixed_dictionaries(
    {}, optional={"text": words, "tool_calls": st.lists(calls, min_size=1, max_size=2)}
).filter(bool)
labels = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
scripts = st.fixed_dictionaries({"label": labels, "turns": st.lists(turns, min_size=1, max_size=3)})


@given(scripts)
def test_every_well_formed_script_is_read_as_written(document: dict[str, Any]) -> None:
    script = parse_script(json.dumps(document))
    assert len(script.turns) == len(document["turns"])
    again = parse_script(script.model_dump_json(by_alias=True, exclude_unset=True))
    assert again == script
    assert script.model_dump(exclude_unset=True) == document


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_noise_is_refused_with_our_own_error(content: bytes) -> None:
    with pytest.raises(InterlockError) as caught:
        parse_script(content)
    assert caught.value.kind is Kind.INVALID


@given(scripts, st.data())
def test_an_unknown_key_is_refused_wherever_it_stands(document: dict[str, Any], data: st.DataObject) -> None:
    turn = data.draw(st.integers(0, len(document["turns"]) - 1))
    document["turns"][turn]["mood"] = "cheerful"
    with pytest.raises(InterlockError, match=f"turn {turn + 1}, field mood"):
        parse_script(json.dumps(document))


def turn_with(arguments: object) -> dict[str, Any]:
    return {"label": "demo", "turns": [{"text": "a"}, {"tool_calls": [{"tool": "t", "arguments": arguments}]}]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"label": "demo"}, "field turns: Field required"),
        ({"label": "demo", "turns": []}, "field turns: List should have at least 1 item"),
        ({"label": "Demo!", "turns": [{"text": "a"}]}, "field label: String should match"),
        ({**GOOD, "title": "x"}, "field title: Extra inputs are not permitted"),
        ({"label": "demo", "turns": [{"text": "a"}, {}]}, "turn 2: Value error, give text, tool_calls, or both"),
        ({"label": "demo", "turns": [{"text": " "}]}, "turn 1, field text: String should match"),
        ({"label": "demo", "turns": [{"text": 3}]}, "turn 1, field text: Input should be a valid string"),
        (
            {"label": "demo", "turns": [{"tool_calls": []}]},
            "turn 1, field tool_calls: List should have at least 1 item",
        ),
        ({"label": "demo", "turns": [{"tool_calls": [{}]}]}, r"turn 1, field tool_calls\[0\].tool: Field required"),
        ({"label": "demo", "turns": [{"text": "a", "expect": {}}]}, "turn 1, field expect.contains: Field required"),
        (turn_with({"a": {"$from": "id"}}), r"turn 2, field tool_calls\[0\].arguments.a.\$from: String should match"),
        (turn_with({"a": [{"$draft": {}}]}), r"arguments.a\[0\].\$draft.prompt: Field required"),
        (
            turn_with({"a": {"$draft": {"prompt": "x", "max_tokens": 0}}}),
            r"\$draft.max_tokens: Input should be greater",
        ),
        (turn_with({"a": {"$form": "/id"}}), r"turn 2, field tool_calls\[0\].arguments.a.\$"),
        (turn_with({"a": {"$from": "/id", "b": 1}}), "arguments.a.b: Extra inputs are not permitted"),
        (turn_with({"$from": "/id"}), r"tool_calls\[0\].arguments.\$from: .* in the place of one argument, not of all"),
    ],
)
def test_a_bad_script_names_turn_and_field(document: dict[str, Any], said: str) -> None:
    with pytest.raises(InterlockError, match=said) as caught:
        parse_script(json.dumps(document))
    assert caught.value.code == "bad_script"


def test_a_repeated_key_is_refused_instead_of_half_read() -> None:
    with pytest.raises(InterlockError, match="'text' appears twice"):
        parse_script('{"label": "demo", "turns": [{"text": "a", "text": "b"}]}')


def test_a_file_is_named_in_its_errors(tmp_path: Path) -> None:
    file = tmp_path / "intake.json"
    file.write_text(json.dumps(GOOD))
    assert load_script(file) == Script.model_validate(GOOD)
    file.write_text("{")
    with pytest.raises(InterlockError, match=r"intake\.json: not readable as JSON"):
        load_script(file)


def test_text_and_tool_calls_may_come_together() -> None:
    script = parse_script('{"label": "demo", "turns": [{"text": "One moment.", "tool_calls": [{"tool": "t"}]}]}')
    assert script.turns[0].text == "One moment."
    assert script.turns[0].tool_calls is not None
    assert script.turns[0].tool_calls[0].arguments == {}
