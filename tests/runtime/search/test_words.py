"""Fusion and words, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from interlock.runtime.search import fuse
from interlock.runtime.search.words import coverage, storable, terms_of

RANKINGS = st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=4)


@given(RANKINGS)
def test_fusion_holds_every_item_once_in_the_order_of_the_formula(rankings: list[list[int]]) -> None:
    fused = fuse(rankings, tie=int.__neg__)
    assert sorted(fused) == sorted({item for ranking in rankings for item in ranking})

    def value(item: int) -> float:
        ranks = [list(dict.fromkeys(ranking)).index(item) + 1 for ranking in rankings if item in ranking]
        return sum(1 / (60 + rank) for rank in ranks)

    keys = [(-round(value(item), 12), -item) for item in fused]
    assert keys == sorted(keys)


@given(st.lists(st.integers(), unique=True))
def test_one_ranking_stays_as_it_is(ranking: list[int]) -> None:
    assert fuse([ranking]) == ranking
    assert fuse([ranking, ranking, []]) == ranking


@given(st.lists(st.integers(0, 9), unique=True, min_size=2))
def test_what_both_halves_put_first_comes_first(ranking: list[int]) -> None:
    assert fuse([ranking, [ranking[0], *reversed(ranking[1:])]])[0] == ranking[0]


def test_identifiers_come_as_wholes_before_words_and_common_words_not_at_all() -> None:
    assert terms_of("What is the status of NW-10482?") == (("nw", "10482"), ("status",), ("nw",), ("10482",))
    assert terms_of("who is it?") == ()


def test_coverage_is_the_share_of_telling_words() -> None:
    terms = terms_of("renewed contracts in Berlin")
    assert coverage(terms, "The contract renews in March") == 2 / 3
    assert coverage((), "anything") == 0


@given(st.text())
def test_terms_hold_no_syntax_and_are_few(text: str) -> None:
    terms = terms_of(text)
    assert len(terms) <= 24
    assert all(word.isalnum() or not word.isascii() for term in terms for word in term)
    assert not any(char in word for term in terms for word in term for char in "\"'\\\x00")


@given(st.text())
def test_what_is_stored_holds_no_nul_and_can_be_encoded(text: str) -> None:
    assert "\x00" not in storable(text)
    storable(text).encode()
