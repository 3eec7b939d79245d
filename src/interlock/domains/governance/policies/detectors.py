"""Finds personal data in text. Every finder is linear in the text's length; each returns the spans it found.

Sources: Luhn's formula (ISO/IEC 7812-1 annex B) with the issuer ranges of the card networks; IBAN check digits by
ISO 7064 MOD 97-10 with the lengths of the SWIFT registry; social-security numbers by the rules of the SSA (no area 000,
666 or 9xx, no group 00, no serial 0000); telephone numbers as E.164 with its 15 digits, or North American.
"""

import re
from collections.abc import Callable, Mapping

from interlock.domains.governance.policies.config import Detector

Span = tuple[int, int]

_LOCAL_LIMIT = 64
_DIGIT = re.compile(r"\d")
# What people and programs put between groups of digits, those included that cannot be seen.
_DASHES = "\\-\u2010-\u2015\u2212"
_SPACES = " \u00a0\u00ad\u2000-\u200f\u202f\u2060\ufeff"
_DIGIT_GROUPS = re.compile(rf"\d+(?:[{_SPACES}{_DASHES}._]{{1,3}}\d+)*")
_GROUP = re.compile(r"\d+")
_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_LOCAL_STOP = re.compile(r"[\s@<>()\[\]{},;:\"'`|=/\\]")
_DOMAIN = re.compile(r"(?:[\w\-]{1,63}\.){1,10}[\w\-]{2,63}")
_SSN = re.compile(rf"(?<!\d)(?!000|666|9\d\d)\d{{3}}([{_SPACES}{_DASHES}.])(?!00)\d{{2}}\1(?!0000)\d{{4}}(?!\d)")
_BARE_SSN = re.compile(
    r"(?:\bssn\b|social[ \-_]?security(?:[ \-_]?(?:number|num|no))?)\W{0,5}(?:is\W{1,3})?(\d{9})(?!\d)", re.IGNORECASE
)
_PHONE = re.compile(
    r"(?<![\w+.])(?:"
    r"(?:\+[1-9]\d{0,2}|00[1-9]\d{0,2}(?=[ .\-/]))(?:[ .\-/]?\(?\d{1,5}\)?){2,6}"
    r"|(?:1[ .\-])?(?:\(\d{3}\) ?|\d{3}[ .\-])\d{3}[ .\-]\d{4}"
    r")(?!\d)"
)
_SHORTEST_PHONE, _LONGEST_PHONE = 7, 15
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})\d{2}(?=[ \-]?[A-Za-z0-9])")
_IBAN_LENGTHS: Mapping[str, int] = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def luhn_valid(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    return _luhn_sum([int(char) for char in digits], (len(digits) - 1) % 2)[-1] % 10 == 0


def _luhn_sum(digits: list[int], plain: int) -> list[int]:
    """Running Luhn sums when digits at places of parity `plain` count once and the others are doubled."""
    sums = [0]
    for place, digit in enumerate(digits):
        counted = digit if place % 2 == plain else digit * 2 - 9 * (digit > 4)
        sums.append(sums[-1] + counted)
    return sums


def _has_issuer(digits: list[int], start: int) -> bool:
    """Whether a card network issues numbers that begin like this; times and counters mostly do not."""
    head = digits[start] * 10 + digits[start + 1]
    return (
        22 <= head <= 27
        or 30 <= head <= 69
        or head == 81
        or (head == 97 and digits[start + 2] * 10 + digits[start + 3] == 92)
    )


def find_cards(text: str) -> list[Span]:
    """Card numbers, also written in groups and beside other numbers."""
    found: list[Span] = []
    for run in _DIGIT_GROUPS.finditer(text):
        if run.end() - run.start() >= _SHORTEST_CARD:
            found += _cards_within(text, [group.span() for group in _GROUP.finditer(text, run.start(), run.end())])
    return found


def _cards_within(text: str, groups: list[Span]) -> list[Span]:
    """Every stretch of whole groups that is a card number; running sums make each stretch cost the same."""
    digits = [int(char) for start, end in groups for char in text[start:end]]
    ends = [0]
    for start, end in groups:
        ends.append(ends[-1] + end - start)
    sums = (_luhn_sum(digits, 0), _luhn_sum(digits, 1))
    found: list[Span] = []
    nearest = 1
    for first, begin in enumerate(ends[:-1]):
        while nearest < len(ends) and ends[nearest] - begin < _SHORTEST_CARD:
            nearest += 1
        if nearest == len(ends):
            break
        if not _has_issuer(digits, begin):
            continue
        last = nearest
        while last < len(ends) and (end := ends[last]) - begin <= _LONGEST_CARD:
            running = sums[(end - 1) % 2]
            if (running[end] - running[begin]) % 10 == 0:
                found.append((groups[first][0], groups[last - 1][1]))
            last += 1
    return found


def find_emails(text: str) -> list[Span]:
    """Mail addresses, grown outwards from each at sign."""
    found: list[Span] = []
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1)
        start = at
        while start > 0 and at - start < _LOCAL_LIMIT and not _LOCAL_STOP.match(text, start - 1):
            start -= 1
        if domain is not None and start < at:
            found.append((start, domain.end()))
        at = text.find("@", at + 1)
    return found


def find_ssns(text: str) -> list[Span]:
    """Social-security numbers: separated ones anywhere, bare ones where the text calls them so."""
    return [found.span() for found in _SSN.finditer(text)] + [found.span(1) for found in _BARE_SSN.finditer(text)]


def find_phones(text: str) -> list[Span]:
    """Telephone numbers, international or North American."""
    found: list[Span] = []
    for match in _PHONE.finditer(text):
        digits = len(_DIGIT.findall(match[0].removeprefix("00")))
        if _SHORTEST_PHONE <= digits <= _LONGEST_PHONE:
            found.append(match.span())
    return found


def find_ibans(text: str) -> list[Span]:
    """International bank account numbers with valid check digits, bare or in groups."""
    found: list[Span] = []
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(match[1].upper())
        if length is None:
            continue
        end, account = _take(text, match.start(), length)
        if len(account) == length and not text[end : end + 1].isalnum() and _mod97(account) == 1:
            found.append((match.start(), end))
    return found


def _take(text: str, start: int, length: int) -> tuple[int, str]:
    """Letters and digits from a place on, passing over single spaces and hyphens."""
    taken: list[str] = []
    at = start
    while at < len(text) and len(taken) < length:
        char = text[at]
        if char.isascii() and char.isalnum():
            taken.append(char.upper())
        elif char not in " -\u00a0" or text[at - 1] in " -\u00a0":
            break
        at += 1
    return at, "".join(taken)


def _mod97(account: str) -> int:
    turned = account[4:] + account[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97


FINDERS: Mapping[Detector, Callable[[str], list[Span]]] = {
    Detector.CARD: find_cards,
    Detector.IBAN: find_ibans,
    Detector.EMAIL: find_emails,
    Detector.SSN: find_ssns,
    Detector.PHONE: find_phones,
}
"""In the order in which a text that fits two kinds is named."""

NEEDS_DIGIT = frozenset({Detector.CARD, Detector.IBAN, Detector.SSN, Detector.PHONE})


def has_digit(text: str) -> bool:
    """Tell whether the finders of numbers have anything to look at."""
    return _DIGIT.search(text) is not None
