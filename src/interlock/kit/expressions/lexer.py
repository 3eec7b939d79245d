"""From text to tokens. A template's expression ends at the first `}}` outside of its own braces."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.values import number

_SPACE = re.compile(r"\s*")
NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
"""A root name that needs no braces."""
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r"[^'\"\\]+")
_SYMBOLS = ("==", "!=", "<=", ">=", "&&", "||", "??", "?.", *"+-*/%<>!?:.,()[]{}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_LONGEST_NUMBER = 400
LONGEST = 10_000
"""Characters of one expression."""


class Sort(Enum):
    """What a token is."""

    VALUE = auto()
    NAME = auto()
    REFERENCE = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression; `value` is its content for values, its text for all else."""

    sort: Sort
    value: Any
    at: int


def tokens(text: str, start: int = 0, *, inside: bool = False, references: bool = False) -> tuple[list[Token], int]:
    """The tokens of an expression, closed by one of sort END, and the offset behind it.

    Args:
        text: what holds the expression.
        start: where it begins.
        inside: it stands in a template and ends at `}}`.
        references: `{{any words}}` is a name.

    Raises:
        ExpressionError: a character or text that belongs to no token; a template's end that is missing.
    """
    found: list[Token] = []
    at, braces = start, 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at - start > LONGEST:
            raise ExpressionError(f"An expression has at most {LONGEST} characters.", start)
        if at >= len(text):
            if inside:
                raise ExpressionError("'{{' is never closed; write '}}' behind the expression.", start)
            found.append(Token(Sort.END, "the end", at))
            return found, at
        if inside and not braces and text.startswith("}}", at):
            found.append(Token(Sort.END, "'}}'", at))
            return found, at + 2
        token, at = _reference(text, at) if references and text.startswith("{{", at) else _token(text, at)
        if token.sort is Sort.SYMBOL:
            braces += {"{": 1, "}": -1}.get(token.value, 0)
        found.append(token)


def _token(text: str, at: int) -> tuple[Token, int]:
    char = text[at]
    if char in "'\"":
        value, end = _quoted(text, at)
        return Token(Sort.VALUE, value, at), end
    if digits := _NUMBER.match(text, at):
        return Token(Sort.VALUE, _number(digits, at), at), digits.end()
    if word := NAME.match(text, at):
        return Token(Sort.NAME, word.group(), at), word.end()
    for symbol in _SYMBOLS:
        if text.startswith(symbol, at):
            return Token(Sort.SYMBOL, symbol, at), at + len(symbol)
    hint = "; equality is '=='" if char == "=" else ""
    raise ExpressionError(f"'{char}' has no meaning here{hint}.", at)


def _reference(text: str, at: int) -> tuple[Token, int]:
    end = text.find("}}", at)
    name = text[at + 2 : end].strip() if end >= 0 else ""
    if not name:
        raise ExpressionError("A reference is a name between '{{' and '}}'.", at)
    return Token(Sort.REFERENCE, name, at), end + 2


def _number(digits: re.Match[str], at: int) -> int | float:
    if len(digits.group()) > _LONGEST_NUMBER:
        raise ExpressionError("The number has too many digits.", at)
    try:
        return number(float(digits.group()) if digits.group(1) or digits.group(2) else int(digits.group()))
    except ExpressionError as error:
        raise error.located(at) from None


def _quoted(text: str, start: int) -> tuple[str, int]:
    quote, parts, at = text[start], [], start + 1
    while at < len(text):
        if plain := _PLAIN.match(text, at):
            parts.append(plain.group())
            at = plain.end()
        elif text[at] == quote:
            return _sound("".join(parts), start), at + 1
        elif text[at] == "\\":
            part, at = _escaped(text, at)
            parts.append(part)
        else:
            parts.append(text[at])
            at += 1
    raise ExpressionError(f"The text is never closed; write {quote} at its end.", start)


def _escaped(text: str, at: int) -> tuple[str, int]:
    char = text[at + 1 : at + 2]
    if char == "u":
        code = _HEX.match(text, at + 2)
        if code is None:
            raise ExpressionError("'\\u' needs four hexadecimal digits.", at)
        return chr(int(code.group(), 16)), at + 6
    if char in _ESCAPES:
        return _ESCAPES[char], at + 2
    if char and char in "'\"\\/`{}":
        return char, at + 2
    raise ExpressionError(f"'\\{char}' is no known escape; write '\\\\' for a backslash.", at)


def _sound(text: str, at: int) -> str:
    """The text with escaped surrogate pairs joined; without NUL characters, which no database keeps."""
    if "\x00" in text:
        raise ExpressionError("The text holds a NUL character, which cannot be stored.", at)
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ExpressionError("The text holds half of a character (a lone surrogate).", at) from None
