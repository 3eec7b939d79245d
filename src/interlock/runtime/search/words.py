"""From a person's text to the words an index is asked for; nothing a person types is syntax."""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TypeAlias

from interlock.runtime.context import WorkspaceId

Term: TypeAlias = tuple[str, ...]
"""One word, or the words of an identifier such as NW-10482, which must follow one another."""

MOST_TEXT = 100_000
_MOST_READ = 20_000
_MOST_TERMS = 24
_MOST_PHRASE = 8
_LONGEST_WORD = 100
_WORD = re.compile(r"[^\W_]+")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a about all am an and any are as at be been but by can could did do does for from had has have he her his how"
        " i if in into is it its me my no not of on or our she should so some than that the their them then there these"
        " they this those to us was we were what when where which who whom why will with would you your",
    )
)
_ENDINGS = ("ing", "ies", "ed", "es", "s")
_SHORTEST_STEM = 3
_SHORTEST_NAME = 5


def plain(text: str) -> str:
    """The words of a text with single spaces between, so that PostgreSQL's parser sees no numbers with signs."""
    return " ".join(_WORD.findall(text))


def storable(text: str) -> str:
    """What both databases can keep: no NUL, no half of a surrogate pair, not endless."""
    return text[:MOST_TEXT].replace("\x00", " ").encode("utf-8", "replace").decode()


def terms_of(text: str) -> tuple[Term, ...]:
    """What to look for: identifiers first, then the telling words in their order; none when all are common."""
    text = text[:_MOST_READ]
    phrases = [tuple(_WORD.findall(chunk.lower())) for chunk in text.split() if any(map(str.isdigit, chunk))]
    identifiers = [phrase for phrase in phrases if 1 < len(phrase) <= _MOST_PHRASE]
    words = [(word,) for word in _WORD.findall(text.lower()) if word not in _COMMON]
    terms = dict.fromkeys((*identifiers, *words))
    return tuple(term for term in terms if all(len(word) <= _LONGEST_WORD for word in term))[:_MOST_TERMS]


def coverage(terms: Sequence[Term], text: str) -> float:
    """Share of the terms' words that a text contains, endings aside."""
    wanted = {_stem(word) for term in terms for word in term}
    if not wanted:
        return 0.0
    lowered = text.lower()
    return sum(_begins_a_word(stem, lowered) for stem in wanted) / len(wanted)


def _begins_a_word(stem: str, text: str) -> bool:
    place = text.find(stem)  # many times faster than a regular expression, and every candidate is looked at
    while place > 0 and text[place - 1].isalnum():
        place = text.find(stem, place + 1)
    return place >= 0


def is_named(terms: Sequence[Term], text: str) -> bool:
    """Whether an identifier among the terms (words in a row with a digit, or a longer number) occurs in a text."""
    names = [
        term
        for term in terms
        if any(char.isdigit() for word in term for char in word) and sum(map(len, term)) >= _SHORTEST_NAME
    ]
    if not names:
        return False
    words = f" {plain(text.lower())} "
    return any(f" {' '.join(term)} " in words for term in names)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def scope_token(collection: str, workspace_id: WorkspaceId) -> str:
    """The word that every entry of a workspace's collection carries; it ends in a digit so that no stemmer cuts it."""
    return f"c{collection}{workspace_id.hex}0"


def label_token(label: str) -> str:
    """A label as a word of fixed form."""
    return f"l{blake2b(label.encode('utf-8', 'replace'), digest_size=7).hexdigest()}0"


def label_number(token: str) -> int:
    """A label's word as a number, for comparing many at once."""
    return int(token[1:-1], 16)


def scope_of(collection: str, workspace_id: WorkspaceId, labels: Iterable[str]) -> str:
    """What an entry is filtered by, as words."""
    return " ".join([scope_token(collection, workspace_id), *sorted({label_token(label) for label in labels})])


def sqlite_match(terms: Sequence[Term], scope: str, labels: Iterable[Sequence[str]], *, joint: str = "OR") -> str:
    """An FTS5 expression: the scope, every set of labels, and the terms joined by OR or AND."""
    within = " AND ".join([scope, *(f"({' OR '.join(tokens)})" for tokens in labels)])
    wanted = f" {joint} ".join(f'"{" ".join(term)}"' for term in terms)
    return f"scope : ({within}) AND text : ({wanted})"


def postgres_scope(scope: str, labels: Iterable[Sequence[str]]) -> str:
    """A tsquery for the scope and every set of labels; only words of weight D are labels, text is of weight A."""
    return " & ".join([f"{scope}:D", *(f"({' | '.join(f'{token}:D' for token in tokens)})" for tokens in labels)])


def postgres_words(terms: Sequence[Term], *, joint: str = "|") -> str:
    """A tsquery for the terms."""
    return f" {joint} ".join("(" + " <-> ".join(f"'{word}':A" for word in term) + ")" for term in terms)
