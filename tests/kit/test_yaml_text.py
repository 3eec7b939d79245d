"""YAML that is JSON in other clothes."""

from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interlock.kit.errors import InterlockError
from interlock.kit.yaml_text import read_yaml, write_yaml

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
words = st.sampled_from(
    ["yes", "no", "on", "1e5", "0o17", "017", "1_000", "2026-01-02", "~", "null", "true", "=", "<<"]
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    words,
    texts.map(lambda text: f"{text}\nsecond line\n"),
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | words, inner, max_size=4), max_leaves=12
)


@settings(deadline=None)
@given(values)
@example("a\n")
@example("\n")
@example(" lead\nx")
@example("a\n\n")
@example({"": {"": []}})
@example("# no comment\n- no list")
def test_what_is_written_is_read_again(value: Any) -> None:
    assert read_yaml(write_yaml(value), max_depth=50)[0] == value


@settings(deadline=None)
@given(st.dictionaries(words, words | texts, max_size=4))
def test_readers_of_the_older_yaml_see_the_same_texts(value: dict[str, str]) -> None:
    assert yaml.safe_load(write_yaml(value)) == value


def test_long_texts_are_blocks() -> None:
    assert write_yaml({"prompt": "Be kind.\nBe short."}) == "prompt: |-\n  Be kind.\n  Be short.\n"


def test_lines_are_known() -> None:
    text = "name: x\nnodes:\n  - id: a\n    config:\n      when: b\n  - id: c\n"
    value, lines = read_yaml(text, max_depth=10)
    assert value == {"name": "x", "nodes": [{"id": "a", "config": {"when": "b"}}, {"id": "c"}]}
    assert lines["nodes", 0, "config", "when"] == 5
    assert lines["nodes", 1] == 6


def test_json_is_yaml() -> None:
    assert read_yaml('{"a": [1, 2.5, null, true, "yes"]}', max_depth=5)[0] == {"a": [1, 2.5, None, True, "yes"]}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [1\nc: d: 2", 3, ","),
        ("a: &x 1\nb: 2", 1, "anchors"),
        ("a: 1\nb: *x", 2, "anchors"),
        ("a: 1\nb: !!python/object:os.system x", 2, "tag"),
        ("a: 1\na: 2", 2, "twice"),
        ("a: 1\n---\nb: 1", 2, "second document"),
        ("? [a]\n: 1", 1, "must be text"),
        ("a: 1\nb: " + "9" * 500, 2, "too long"),
        ("a: 1e999", 1, "too large"),
        ("[" * 60 + "]" * 60, 1, "deeper"),
        ("a:\n\t- b", 2, "token"),
    ],
)
def test_what_is_not_read_names_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(InterlockError) as caught:
        read_yaml(text, max_depth=50)
    assert words in caught.value.message
    assert caught.value.data["line"] == line


def test_characters_that_no_yaml_may_hold_are_refused() -> None:
    with pytest.raises(InterlockError):
        read_yaml("a: \x01", max_depth=5)
