import itertools

from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.documents.reading.content import Section
from interlock.domains.documents.reading.passages import LARGEST, joined, passages

WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Z", "S"]), max_size=40)
GLUE = st.sampled_from([" ", ". ", "\n", "\n\n", "! ", "。", "", "\t", ".", "?\n\n\n"])
LONG = st.tuples(st.sampled_from(["a", "é", "漢", " ", ".", "\n"]), st.integers(1, 5_000)).map(
    lambda pair: pair[0] * pair[1]
)
TEXTS = st.lists(st.one_of(st.tuples(WORDS, GLUE).map("".join), LONG), max_size=60).map("".join)
SECTIONS = st.lists(st.builds(Section, st.sampled_from(["", "page 1", "A > B"]), TEXTS), max_size=6)


@given(SECTIONS)
def test_no_text_is_lost_and_no_passage_is_too_large(sections: list[Section]) -> None:
    text, marks = joined(sections)
    found = passages(text, marks)
    covered = bytearray(len(text))
    for start, end, _ in found:
        assert 0 <= start < end <= len(text)
        assert len(text[start:end].encode()) <= LARGEST
        assert not text[end - 1].isspace()
        covered[start:end] = b"\1" * (end - start)
    assert all(is_covered or char.isspace() for is_covered, char in zip(covered, text, strict=True))


@given(SECTIONS)
def test_passages_follow_one_another(sections: list[Section]) -> None:
    text, marks = joined(sections)
    found = passages(text, marks)
    assert found == passages(text, marks)
    for earlier, later in itertools.pairwise(found):
        assert earlier.start < later.start
        assert earlier.end < later.end
    places = dict(marks)
    for start, _, locator in found:
        assert locator == places[max(at for at, _ in marks if at <= start)]


@given(SECTIONS)
def test_sections_keep_their_words(sections: list[Section]) -> None:
    text, marks = joined(sections)
    assert text.split() == [word for section in sections for word in section.text.split()]
    for at, _ in marks:
        assert not text[at].isspace()


def test_prose_falls_into_passages_of_a_good_size_that_overlap() -> None:
    sentence = "The quick brown fox jumps over the lazy dog near the river bank. "
    text, marks = joined([Section("", sentence * 200)])
    found = passages(text, marks)
    sizes = [end - start for start, end, _ in found]
    assert min(sizes[:-1]) > 800
    assert all(100 < earlier.end - later.start < 300 for earlier, later in itertools.pairwise(found))
    assert all(text[start:].startswith("The quick") for start, _, _ in found)


def test_a_heading_begins_a_passage_unless_the_last_one_is_small() -> None:
    body = "A sentence of middling length stands here. " * 10
    text, marks = joined([Section("A", body), Section("B", "Short."), Section("C", body)])
    assert [locator for _, _, locator in passages(text, marks)] == ["A", "B"]
    text, marks = joined([Section("A", body), Section("B", body)])
    assert [(text[start], locator) for start, _, locator in passages(text, marks)] == [("A", "A"), ("A", "B")]


def test_nothing_falls_into_nothing() -> None:
    assert passages(*joined([])) == []
    assert passages(*joined([Section("x", " \n ")])) == []
