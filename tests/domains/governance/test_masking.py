import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domains.governance.policies.config import Detector, NamedPattern, PrivacyConfig
from interlock.domains.governance.policies.detectors import find_cards, luhn_valid
from interlock.domains.governance.policies.masking import Masker

ALL = Masker(PrivacyConfig())
SEPARATORS = (" ", "-", ".", "_", "\u00a0", "\u00ad", "\u200b", "\u2011", "\u2013", "\u2212", "\u202f", "\u2060")
PREFIXES = ("4", "51", "55", "2221", "2720", "34", "37", "36", "3528", "6011", "65", "62", "81", "9792")


def check_digit(body: str) -> str:
    return next(digit for digit in "0123456789" if luhn_valid(body + digit))


@st.composite
def cards(draw: st.DrawFn) -> str:
    prefix = draw(st.sampled_from(PREFIXES))
    length = draw(st.integers(13, 19))
    body = prefix + "".join(draw(st.lists(st.sampled_from("0123456789"), min_size=20, max_size=20)))
    body = body[: length - 1]
    return body + check_digit(body)


@st.composite
def written(draw: st.DrawFn, digits: str) -> str:
    """The digits as people write them: bare, in groups, or with a separator after any digit."""
    separator = draw(st.sampled_from(SEPARATORS))
    style = draw(st.sampled_from(["bare", "fours", "any"]))
    if style == "bare":
        return digits
    if style == "fours":
        return separator.join(re.findall(".{1,4}", digits))
    return "".join(char + (separator if draw(st.booleans()) else "") for char in digits[:-1]) + digits[-1]


noise = st.text(st.characters(exclude_categories=("Nd", "Cs")), max_size=30)
numbers_beside = st.sampled_from(["", "12 ", "2026-08-31 ", "order 77 ", " 5 5 ", "+49 "])


def digits_of(text: str) -> str:
    return "".join(re.findall(r"\d", text))


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *texts_in(item))]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts_in(item)]
    return [str(value)]


@given(st.data(), cards(), noise, numbers_beside, noise)
def test_a_planted_card_number_never_survives(
    data: st.DataObject, card: str, before: str, number: str, after: str
) -> None:
    text = before + number + data.draw(written(card)) + " " + after
    masked = ALL.apply({"note": text})
    assert card not in digits_of(masked.arguments["note"])
    assert masked.fields == ["note"]


def bury(card: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        card,
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(noise, inner, min_size=1, max_size=3),
        max_leaves=6,
    )


@given(st.data(), cards())
def test_a_card_number_is_masked_however_deep_it_lies(data: st.DataObject, card: str) -> None:
    leaf = st.sampled_from([card, int(card), f"pay {card} now", float(card) if len(card) < 16 else card])
    masked = ALL.apply({"payload": data.draw(bury(leaf)), f"about {card}": "a key can leak as well"})
    assert all(card not in text for text in texts_in(masked.arguments))


def test_masking_leaves_the_original_alone() -> None:
    original = {"cards": ["4111 1111 1111 1111"], "n": 3}
    masked = ALL.apply(original)
    assert original == {"cards": ["4111 1111 1111 1111"], "n": 3}
    assert masked.arguments == {"cards": ["[masked:card]"], "n": 3}
    assert masked.fields == ["cards.0"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to ada.lovelace+x@mail.example.co.uk today", "write to [masked:email] today"),
        ("<ada@example.com>,<bob@example.com>", "<[masked:email]>,<[masked:email]>"),
        ("my ssn is 123-45-6789.", "my ssn is [masked:ssn]."),
        ("SSN 123456789", "SSN [masked:ssn]"),
        ("call +49 30 901820 or (415) 555-2671", "call [masked:phone] or [masked:phone]"),
        ("call 415-555-2671", "call [masked:phone]"),
        ("call +14155552671", "call [masked:phone]"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [masked:iban] please"),
        ("gb82west12345698765432", "[masked:iban]"),
        ("amex 3782-822463-10005", "amex [masked:card]"),
    ],
)
def test_each_kind_is_found(text: str, expected: str) -> None:
    assert ALL.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ts 1700000000.123456",  # a message's time is no card
        "order 4111111111111112",  # wrong check digit
        "ticket 900-12-3456",  # no such area
        "invoice 123456789",  # nine digits that nobody calls a number of that kind
        "GB83WEST12345698765432",  # wrong check digits
        "2026-08-31T12:00:00Z",
        "build 20260831120000",
        "@channel hello @here",
        "ops@",
        "version 1.2.3.4",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert ALL.text(text) == text


def test_bare_number_in_a_field_named_for_it_is_masked() -> None:
    assert ALL.apply({"customer": {"SSN": "123456789", "ssn_number": 123456789}}).arguments == {
        "customer": {"SSN": "[masked:ssn]", "ssn_number": "[masked:ssn]"}
    }


def test_fields_are_masked_whole_and_skipped_ones_left() -> None:
    masker = Masker(PrivacyConfig(fields=("*password*",), skip_fields=("to",)))
    masked = masker.apply({"to": "ada@example.com", "body": "ada@example.com", "auth": {"Password_1": {"x": [1]}}})
    assert masked.arguments == {
        "to": "ada@example.com",
        "body": "[masked:email]",
        "auth": {"Password_1": "[masked:field]"},
    }
    assert masked.fields == ["body", "auth.Password_1"]


def test_own_patterns_are_masked_under_their_name_in_text_and_numbers() -> None:
    masker = Masker(PrivacyConfig(detect=(), patterns=(NamedPattern(name="badge", regex=r"\bE\d{4}\b|^77\d{3}$"),)))
    masked = masker.apply({"note": "badge E1234 of ada@example.com", "n": 77123, "m": 78123})
    assert masked.arguments == {"note": "badge [masked:badge] of ada@example.com", "n": "[masked:badge]", "m": 78123}


def test_only_the_chosen_kinds_are_masked() -> None:
    masker = Masker(PrivacyConfig(detect=(Detector.EMAIL,)))
    assert masker.text("ada@example.com 4111111111111111") == "[masked:email] 4111111111111111"


def test_overlapping_findings_leave_nothing_between() -> None:
    masker = Masker(
        PrivacyConfig(
            detect=(Detector.CARD,),
            patterns=(NamedPattern(name="a", regex="411"), NamedPattern(name="b", regex="1111 z")),
        )
    )
    assert masker.text("x 4111111111111111 z") == "x [masked:card]"


@pytest.mark.parametrize(
    "text", ["4 " * 200_000, "4" * 400_000, "a@" * 200_000, "+1 " * 150_000, "DE12" * 100_000, "(4" * 200_000]
)
def test_hostile_text_is_read_to_its_end(text: str) -> None:
    """Anything slower than linear would not come back from these in a working day."""
    assert ALL.text(text + " x 4111111111111111").endswith(" x [masked:card]")


@given(st.text(alphabet=" .-0123456789", max_size=60))
def test_every_card_among_whole_groups_is_found(text: str) -> None:
    """Against the definition itself, written the slow way."""
    covered = find_cards(text)
    for start, end in covered:
        digits = digits_of(text[start:end])
        assert 13 <= len(digits) <= 19
        assert luhn_valid(digits)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=20,
    )
)
def test_masking_keeps_what_holds_no_personal_data(value: Any) -> None:
    masked = ALL.apply({"value": value})
    if not masked.fields:
        assert masked.arguments == {"value": value}


@pytest.mark.parametrize("separator", [separator for separator in SEPARATORS if separator != "_"])
def test_a_social_security_number_hides_behind_no_separator(separator: str) -> None:
    assert ALL.text("it is " + separator.join(("123", "45", "6789"))) == "it is [masked:ssn]"
