"""The words of n8n's expressions: tokens, the methods and functions that have a counterpart, texts and literals."""

import re
from typing import Any, NoReturn

import orjson

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)
  | (?P<name>[A-Za-z_$][\w$]*)
  | (?P<symbol>===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.|=>|[-+*/%<>!?:.,()\[\]{};=&|])
  )""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset({"and", "or", "not", "in", "null", "true", "false"})
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0"}
STRENGTH = {
    "??": 2, "||": 3, "&&": 4,
    "===": 5, "!==": 5, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5,
    "+": 6, "-": 6, "*": 7, "/": 7, "%": 7,
}  # fmt: skip
OPERATORS = {"===": "==", "!==": "!=", "||": "or", "&&": "and"}
# Methods by name: our function, and how many arguments they may have beside the value itself.
METHODS = {
    "toLowerCase": ("lower", 0, 0),
    "toUpperCase": ("upper", 0, 0),
    "trim": ("trim", 0, 0),
    "includes": ("contains", 1, 1),
    "startsWith": ("starts_with", 1, 1),
    "endsWith": ("ends_with", 1, 1),
    "split": ("split", 1, 1),
    "join": ("join", 1, 1),
    "toString": ("text", 0, 0),
    "toJsonString": ("json", 0, 0),
    "replaceAll": ("replace", 2, 2),
    "slice": ("slice", 1, 2),
    "first": ("first", 0, 0),
    "last": ("last", 0, 0),
    "keys": ("keys", 0, 0),
    "values": ("values", 0, 0),
    "unique": ("unique", 0, 0),
    "flat": ("flatten", 0, 0),
    "toNumber": ("number", 0, 0),
    "toBoolean": ("boolean", 0, 0),
    "sum": ("sum", 0, 0),
    "average": ("avg", 0, 0),
    "max": ("max", 0, 0),
    "min": ("min", 0, 0),
    "round": ("round", 0, 1),
    "floor": ("floor", 0, 0),
    "ceil": ("ceil", 0, 0),
    "abs": ("abs", 0, 0),
}
FUNCTIONS = {
    "Number": "number",
    "parseFloat": "number",
    "parseInt": "number",
    "String": "text",
    "Boolean": "boolean",
    "Math.round": "round",
    "Math.floor": "floor",
    "Math.ceil": "ceil",
    "Math.abs": "abs",
    "Math.max": "max",
    "Math.min": "min",
    "JSON.stringify": "json",
    "JSON.parse": "parse_json",
    "Object.keys": "keys",
    "Object.values": "values",
    "$if": "if",
    "$ifEmpty": "default",
    "$max": "max",
    "$min": "min",
}
NOT_HERE = {
    "$env": "environment variables are not given to workflows",
    "$vars": "there are no workflow variables",
    "$secrets": "secrets stay in connections",
    "$binary": "files are not passed between nodes",
    "$jmespath": "JMESPath is not known",
    "$fromAI": "a model cannot fill in arguments here",
    "$parameter": "a node cannot read its own settings",
    "$itemIndex": "data is not a list of items; use `index` inside a loop",
    "$runIndex": "data is not a list of items; use `index` inside a loop",
}


class NoCounterpartError(Exception):
    """An expression, or a part of it, that our language cannot say; the message tells why."""


def escaped(text: str) -> str:
    """Literal text as a template."""
    return text.replace("{{", "{{ '{{' }}")


def literal(value: Any) -> str:
    """A JSON value as an expression."""
    if isinstance(value, str | int | float | bool) or value is None:
        return orjson.dumps(value).decode() if not isinstance(value, str) else quoted(value)
    return f"parse_json({quoted(orjson.dumps(value).decode())})"


def quoted(text: str) -> str:
    """A text as a literal of our language."""
    plain = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return "'" + plain.replace("\t", "\\t").replace("\0", "\\0") + "'"


def pieces(text: str) -> list[tuple[str, bool]]:
    """The literal parts of a text and the JavaScript between `{{` and `}}`, in turn."""
    found: list[tuple[str, bool]] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = _closing(text, start + 2)
        if end < 0:
            break
        if start > at:
            found.append((text[at:start], False))
        found.append((text[start + 2 : end], True))
        at = end + 2
    if at < len(text):
        found.append((text[at:], False))
    return found


def _closing(text: str, start: int) -> int:
    """Where the `}}` stands that ends an expression: not the one inside a text."""
    at, quote = start, ""
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif text.startswith("}}", at):
            return at
        at += 1
    return text.find("}}", start)  # a quote that is never closed, such as an apostrophe


def key_path(root: str, keys: list[str]) -> str:
    """A path of keys, each as plain as it may be written."""
    steps = (f".{key}" if _PLAIN_KEY.fullmatch(key) and key not in _RESERVED else f"[{quoted(key)}]" for key in keys)
    return root + "".join(steps)


def words_of(source: str) -> list[tuple[str, str]]:
    """The tokens of an expression: what sort each is, and its text."""
    found: list[tuple[str, str]] = []
    at = 0
    text = source.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            lack(f"'{text[at : at + 10].strip()}' is not understood")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


def unescaped(text: str) -> str:
    """The content of a JavaScript text."""
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)


def lack(reason: str) -> NoReturn:
    """Say that something has no counterpart."""
    raise NoCounterpartError(reason)
