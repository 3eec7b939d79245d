"""n8n's expressions (a JavaScript subset) in our expression language; what has no counterpart is said, not guessed.

Known are paths (`$json.a["b c"]`, `$node["A"].json.x`, `$('A').item.json.x`), literals, operators, `?:`, and what
`words.py` lists. The result is read by our own parser before it is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.domains.workflows.n8n.words import (
    FUNCTIONS,
    METHODS,
    NOT_HERE,
    OPERATORS,
    STRENGTH,
    NoCounterpartError,
    escaped,
    key_path,
    lack,
    literal,
    pieces,
    quoted,
    unescaped,
    words_of,
)
from interlock.kit.expressions import ExpressionError, Template, parse

_UNARY = 8
_DEEPEST = 40
_LONGEST = 8_000
_SHOWN = 200


@dataclass(slots=True)
class Reader:
    """Translates the expressions of one node.

    Args:
        ids: of every n8n node name, where its output is found in our graph.
        webhooks: names of nodes whose item is a whole request, of which ours has the body only.
        current: what `$json` is here.
        reads_webhook: `$json` is such an item.
        lost: what could not be translated, as it was written, and why.
    """

    ids: Mapping[str, str]
    webhooks: frozenset[str] = frozenset()
    current: str = "input"
    reads_webhook: bool = False
    lost: list[str] = field(default_factory=list)

    def expression(self, source: str) -> str:
        """Our text of the JavaScript inside `{{ }}`.

        Raises:
            NoCounterpartError: it uses what we do not have.
        """
        if len(source) > _LONGEST:
            raise NoCounterpartError("it is too long")
        translated = _Parser(source, self).whole()
        try:
            parse(translated)
        except ExpressionError as error:
            raise NoCounterpartError(str(error)) from error
        return translated

    def template(self, value: Any) -> str:
        """Our template of a parameter: text with `=` in front holds expressions, any other is as it stands."""
        if not isinstance(value, str):
            return "{{ " + literal(value) + " }}"
        if not value.startswith("="):
            return escaped(value)
        made = "".join(self._part(part, is_code=is_code) for part, is_code in pieces(value[1:]))
        try:
            Template.parse(made)
        except ExpressionError as error:
            self.lost.append(f"{value[:_SHOWN]} ({error})")
            return escaped(value)
        return made

    def operand(self, value: Any) -> str:
        """An expression for a parameter that is compared or passed on."""
        if not isinstance(value, str) or not value.startswith("="):
            return literal(value)
        found = pieces(value[1:])
        if len(found) == 1:
            part, is_code = found[0]
            return self.expression(part) if is_code else literal(part)
        words = [self.expression(part) if is_code else literal(part) for part, is_code in found]
        return f"concat({', '.join(words)})" if words else literal("")

    def _part(self, part: str, *, is_code: bool) -> str:
        if not is_code:
            return escaped(part)
        try:
            return "{{ " + self.expression(part) + " }}"
        except NoCounterpartError as reason:
            self.lost.append(f"{{{{{part[:_SHOWN]}}}}} ({reason})")
            return escaped("{{" + part + "}}")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A translated part; an operator inside asks for brackets around it."""

    text: str
    strength: int = _UNARY
    item: str | None = None
    """The n8n node whose item this is: `.json` is still to come."""
    request: bool = False
    """It is a whole webhook request: `.body` is still to come."""

    def within(self, strength: int) -> str:
        """The text where an operator binds so strongly."""
        return self.text if self.strength >= strength else f"({self.text})"


class _Parser:
    def __init__(self, source: str, reader: Reader) -> None:
        self._reader = reader
        self._words = words_of(source)
        self._next = 0
        self._depth = 0

    def whole(self) -> str:
        """The whole expression."""
        piece = self._expression(0)
        if self._word is not None and self._word[1] == ";":
            self._next += 1
        if self._word is not None:
            lack(f"'{self._word[1][:20]}' is not understood")
        return self._plain(piece).text

    @property
    def _word(self) -> tuple[str, str] | None:
        return self._words[self._next] if self._next < len(self._words) else None

    def _is(self, symbol: str) -> bool:
        return self._word == ("symbol", symbol)

    def _accept(self, symbol: str) -> bool:
        found = self._is(symbol)
        self._next += found
        return found

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            lack(f"'{symbol}' is missing")

    def _take(self, sort: str) -> str:
        if self._word is None or self._word[0] != sort:
            lack(f"a {sort} is missing")
        word = self._word[1]
        self._next += 1
        return word

    def _plain(self, piece: _Piece) -> _Piece:
        if piece.item is not None:
            lack("a node is read as a whole; read its .json")
        return piece

    def _expression(self, strength: int) -> _Piece:
        self._depth += 1
        if self._depth > _DEEPEST:
            lack("it is nested too deeply")
        left = self._prefix()
        while self._word is not None and self._word[0] == "symbol":
            operator = self._word[1]
            if operator in STRENGTH and STRENGTH[operator] > strength:
                self._next += 1
                bind = STRENGTH[operator]
                right = self._plain(self._expression(bind))
                ours = OPERATORS.get(operator, operator)
                # Comparisons do not chain in our language, so both sides need brackets.
                tight = bind + (bind == STRENGTH["=="])
                left = _Piece(f"{self._plain(left).within(tight)} {ours} {right.within(bind + 1)}", bind)
            elif operator == "?" and strength == 0:
                self._next += 1
                then = self._plain(self._expression(0))
                self._expect(":")
                other = self._plain(self._expression(0))
                left = _Piece(f"{self._plain(left).within(2)} ? {then.within(2)} : {other.within(2)}", 1)
            else:
                break
        self._depth -= 1
        return left

    def _prefix(self) -> _Piece:
        for symbol in ("!", "-"):
            if self._accept(symbol):
                return _Piece(f"{symbol}{self._plain(self._expression(_UNARY - 1)).within(_UNARY)}", _UNARY - 1)
        self._accept("+")
        return self._postfix(self._primary())

    def _primary(self) -> _Piece:
        if self._word is None:
            lack("a value is missing")
        sort, word = self._word
        if self._accept("("):
            inner = self._expression(0)
            self._expect(")")
            return inner
        if self._accept("["):
            return _Piece(f"[{', '.join(self._listed(']'))}]")
        if self._accept("{"):
            return self._object()
        if sort == "symbol":
            lack(f"'{word}' is not understood")
        self._next += 1
        if sort == "number":
            return _Piece(word)
        if sort == "text":
            return self._text(word)
        return self._named(word)

    def _text(self, word: str) -> _Piece:
        inner = unescaped(word[1:-1])
        if word[0] == "`" and "${" in inner:
            return _Piece(_joined(inner, self._reader))
        return _Piece(quoted(inner))

    def _named(self, name: str) -> _Piece:
        reader = self._reader
        if name in {"true", "false", "null", "undefined"}:
            return _Piece("null" if name == "undefined" else name)
        if name in NOT_HERE:
            lack(f"{name}: {NOT_HERE[name]}")
        simple = {
            "$json": _Piece(reader.current, request=reader.reads_webhook),
            "$now": _Piece("now()"),
            "$today": _Piece("today()"),
            "$workflow": _Piece("workflow"),
            "$execution": _Piece("run"),
        }
        if name in simple:
            return simple[name]
        if name == "$input":
            self._expect(".")
            return self._item(self._take("name"), None)
        if name in {"$node", "$"}:
            return self._node(name)
        if name == "$items":
            self._expect("(")
            node = self._string()
            self._expect(")")
            self._expect("[")
            if self._take("number") != "0":
                lack("only the first item of a node is known")
            self._expect("]")
            return _Piece(self._output(node), item=node)
        return self._function(name)

    def _node(self, name: str) -> _Piece:
        """`$node["A"]`, `$node.A` or `$('A').item`."""
        if name == "$":
            self._expect("(")
            node = self._string()
            self._expect(")")
            self._expect(".")
            return self._item(self._take("name"), node)
        if self._accept("."):
            node = self._take("name")
        else:
            self._expect("[")
            node = self._string()
            self._expect("]")
        return _Piece(self._output(node), item=node)

    def _item(self, way: str, node: str | None) -> _Piece:
        """The one item of a node: `.item`, `.first()`, `.last()`; a list of all items there is not."""
        if way in {"first", "last"}:
            self._expect("(")
            self._expect(")")
        elif way != "item":
            lack(f".{way} is not known: a node's data is one value, not a list of items")
        return _Piece(self._reader.current if node is None else self._output(node), item=node or "")

    def _output(self, node: str) -> str:
        found = self._reader.ids.get(node)
        if found is None:
            lack(f"there is no node '{node[:80]}'")
        return f"nodes.{found}"

    def _string(self) -> str:
        return unescaped(self._take("text")[1:-1])

    def _function(self, name: str) -> _Piece:
        while self._is(".") and name in {"Math", "JSON", "Object"}:
            self._next += 1
            name = f"{name}.{self._take('name')}"
        if name not in FUNCTIONS:
            lack(f"'{name[:40]}' is not known")
        self._expect("(")
        arguments = self._listed(")")
        if name == "parseInt":
            arguments = arguments[:1]
        return _Piece(f"{FUNCTIONS[name]}({', '.join(arguments)})")

    def _listed(self, closing: str) -> list[str]:
        items: list[str] = []
        while not self._accept(closing):
            items.append(self._plain(self._expression(0)).text)
            if not self._accept(","):
                self._expect(closing)
                break
        return items

    def _object(self) -> _Piece:
        made: list[str] = []
        while not self._accept("}"):
            sort, word = self._word or ("", "")
            if sort not in {"name", "text"}:
                lack("the key of an object is not understood")
            self._next += 1
            key = word if sort == "name" else unescaped(word[1:-1])
            self._expect(":")
            made.append(f"{quoted(key)}: {self._plain(self._expression(0)).text}")
            if not self._accept(","):
                self._expect("}")
                break
        return _Piece("{" + ", ".join(made) + "}")

    def _postfix(self, piece: _Piece) -> _Piece:
        while self._word is not None:
            if self._accept(".") or self._accept("?."):
                piece = self._dotted(piece)
            elif self._accept("["):
                inner = self._plain(self._expression(0)).text
                self._expect("]")
                piece = _Piece(f"{self._plain(piece).within(_UNARY)}[{inner}]")
            else:
                break
        return piece

    def _dotted(self, piece: _Piece) -> _Piece:
        name = self._take("name")
        if piece.item is not None:
            if name != "json":
                lack(f".{name} of an item is not known; only .json is")
            is_request = piece.item in self._reader.webhooks if piece.item else self._reader.reads_webhook
            return _Piece(piece.text, request=is_request)
        if piece.request:
            if name != "body":
                lack(f"a webhook's {name} is not passed on; its body is")
            return _Piece(piece.text)
        value = piece.within(_UNARY)
        if self._accept("("):
            return self._method(name, value)
        if name == "length":
            return _Piece(f"length({value})")
        return _Piece(key_path(value, [name]))

    def _method(self, name: str, value: str) -> _Piece:
        arguments = self._listed(")")
        if name == "toISO" and value == "now()" and not arguments:
            return _Piece(value)
        if name == "isEmpty" and not arguments:
            return _Piece(f"(length({value} ?? '') == 0)")
        if name == "isNotEmpty" and not arguments:
            return _Piece(f"(length({value} ?? '') > 0)")
        ours, least, most = METHODS.get(name, ("", 0, -1))
        if not least <= len(arguments) <= most:
            lack(f".{name[:40]}() is not known")
        return _Piece(f"{ours}({', '.join([value, *arguments])})")


def _joined(text: str, reader: Reader) -> str:
    """A JavaScript template such as `a ${b} c`."""
    parts: list[str] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        end = text.find("}", start)
        if end < 0:
            lack("'${' is never closed")
        if start > at:
            parts.append(quoted(text[at:start]))
        parts.append(_Parser(text[start + 2 : end], reader).whole())
        at = end + 1
    if at < len(text):
        parts.append(quoted(text[at:]))
    return f"concat({', '.join(parts)})"
