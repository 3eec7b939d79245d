"""From tokens to a syntax tree: precedence climbing, so that one level of nesting costs few frames."""

import difflib

from interlock.kit.expressions.errors import ExpressionError
from interlock.kit.expressions.evaluator import SPECIAL
from interlock.kit.expressions.functions import FUNCTIONS
from interlock.kit.expressions.lexer import NAME, Sort, Token, tokens
from interlock.kit.expressions.nodes import (
    Access,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    ListOf,
    Literal,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    ObjectOf,
    walk,
)

DEEPEST = 50
_CONDITION, _DEFAULT, _OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _UNARY = range(1, 10)
_LOGIC = {"??": (_DEFAULT, "??"), "or": (_OR, "or"), "||": (_OR, "or"), "and": (_AND, "and"), "&&": (_AND, "and")}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_STRENGTH = {"+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY}
_WORDS = {"null": None, "true": True, "false": False}
_RESERVED = frozenset({*_WORDS, "and", "or", "not", "in"})


def read_tree(text: str, start: int = 0, *, inside: bool = False, references: bool = False) -> tuple[Node, int]:
    """The syntax tree of an expression and the offset behind it; arguments as for `lexer.tokens`.

    Raises:
        ExpressionError: the text is no expression.
    """
    words, end = tokens(text, start, inside=inside, references=references)
    parser = _Parser(words)
    node = parser.expression()
    parser.expect_end()
    if any(depth > DEEPEST for _, depth in walk(node)):
        raise ExpressionError(f"The expression is nested more than {DEEPEST} levels deep.", start)
    return node, end


def is_plain_name(name: str) -> bool:
    """Tell whether a name can be written as it is, without braces around it."""
    return name not in _RESERVED and NAME.fullmatch(name) is not None


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._next = 0
        self._depth = 0

    @property
    def _word(self) -> Token:
        return self._words[self._next]

    def _take(self) -> Token:
        word = self._words[self._next]
        self._next += 1
        return word

    def _is(self, *symbols: str) -> bool:
        return self._word.sort in {Sort.SYMBOL, Sort.NAME} and self._word.value in symbols

    def _accept(self, symbol: str) -> bool:
        found = self._word.sort is Sort.SYMBOL and self._word.value == symbol
        self._next += found
        return found

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            raise self._unexpected(f"'{symbol}' is needed")

    def expect_end(self) -> None:
        """Refuse words behind the expression."""
        if self._word.sort is not Sort.END:
            raise self._unexpected("the expression should end, or an operator is missing,")

    def _unexpected(self, wanted: str) -> ExpressionError:
        word = self._word
        found = word.value if word.sort is Sort.END else f"'{str(word.value)[:40]}'"
        return ExpressionError(f"{wanted[0].upper()}{wanted[1:]} before {found}.", word.at)

    def expression(self, strength: int = _CONDITION) -> Node:
        """An expression whose operators bind at least so strongly."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(f"The expression is nested more than {DEEPEST} levels deep.", self._word.at)
        left = self._prefix(strength)
        while (longer := self._infix(left, strength)) is not None:
            left = longer
        self._depth -= 1
        return left

    def _prefix(self, strength: int) -> Node:
        at = self._word.at
        if strength <= _NOT and self._is("not") and self._word.sort is Sort.NAME:
            self._take()
            return Not(self.expression(_NOT), at=at)
        if self._accept("!"):
            return Not(self.expression(_UNARY), at=at)
        if self._accept("-"):
            return Negative(self.expression(_UNARY), at=at)
        return self._postfix(self._primary())

    def _infix(self, left: Node, strength: int) -> Node | None:
        word = self._word
        if word.sort not in {Sort.SYMBOL, Sort.NAME}:
            return None
        operator = word.value
        if operator in _STRENGTH and _STRENGTH[operator] >= strength:
            return self._arithmetic(left, _STRENGTH[operator])
        if operator in _LOGIC and _LOGIC[operator][0] >= strength:
            return self._logic(left, *_LOGIC[operator])
        if strength <= _COMPARE and (operator in _COMPARISONS or self._is_not_in()):
            return self._comparison(left)
        if strength <= _CONDITION and operator == "?":
            self._take()
            then = self.expression()
            self._expect(":")
            return Condition(left, then, self.expression(), at=word.at)
        return None

    def _is_not_in(self) -> bool:
        following = self._words[self._next + 1] if self._next + 1 < len(self._words) else self._word
        return self._is("not") and following.sort is Sort.NAME and following.value == "in"

    def _arithmetic(self, first: Node, strength: int) -> Node:
        at, operators, rest = self._word.at, [], []
        while self._word.sort is Sort.SYMBOL and _STRENGTH.get(self._word.value) == strength:
            operators.append(self._take().value)
            rest.append(self.expression(strength + 1))
        return Arithmetic(first, tuple(operators), tuple(rest), at=at)

    def _logic(self, first: Node, strength: int, operator: str) -> Node:
        at, items = self._word.at, [first]
        while self._word.sort in {Sort.SYMBOL, Sort.NAME} and _LOGIC.get(self._word.value, (0, ""))[1] == operator:
            self._take()
            items.append(self.expression(strength + 1))
        return Logic(operator, tuple(items), at=at)

    def _comparison(self, left: Node) -> Node:
        word = self._take()
        negated = word.value == "not"
        operator = self._take().value if negated else word.value
        node: Node = Comparison(operator, left, self.expression(_COMPARE + 1), at=word.at)
        if self._is(*_COMPARISONS) or self._is_not_in():
            raise ExpressionError("Join comparisons with 'and': write a < b and b < c.", self._word.at)
        return Not(node, at=word.at) if negated else node

    def _primary(self) -> Node:
        word = self._word
        if word.sort is Sort.VALUE:
            return Literal(self._take().value, at=word.at)
        if word.sort is Sort.REFERENCE:
            return Name(self._take().value, at=word.at)
        if word.sort is Sort.NAME:
            return self._named(self._take())
        if self._accept("("):
            inner = self.expression()
            self._expect(")")
            return inner
        if self._accept("["):
            return ListOf(self._listed("]"), at=word.at)
        if self._accept("{"):
            return self._object(word.at)
        raise self._unexpected("a value is needed")

    def _named(self, word: Token) -> Node:
        name = word.value
        if name in _WORDS:
            return Literal(_WORDS[name], at=word.at)
        if name in _RESERVED:
            raise ExpressionError(f"A value is needed before '{name}'.", word.at)
        if self._accept("("):
            return _call(name, self._listed(")"), word.at)
        return Name(name, at=word.at)

    def _listed(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._accept(closing):
            items.append(self.expression())
            if not self._accept(","):
                self._expect(closing)
                break
        return tuple(items)

    def _object(self, at: int) -> Node:
        keys: list[str] = []
        values: list[Node] = []
        while not self._accept("}"):
            word = self._word
            if word.sort is not Sort.NAME and not (word.sort is Sort.VALUE and isinstance(word.value, str)):
                raise self._unexpected("a key (a name or text) is needed")
            if word.value in keys:
                raise ExpressionError(f"The key '{word.value[:40]}' is there twice.", word.at)
            keys.append(self._take().value)
            self._expect(":")
            values.append(self.expression())
            if not self._accept(","):
                self._expect("}")
                break
        return ObjectOf(tuple(keys), tuple(values), at=at)

    def _postfix(self, root: Node) -> Node:
        at = self._word.at
        steps: list[Node] = []
        while True:
            if self._accept(".") or self._accept("?."):
                word = self._word
                if word.sort is not Sort.NAME:
                    raise self._unexpected("a key is needed")
                steps.append(Literal(self._take().value, at=word.at))
            elif self._accept("["):
                steps.append(self.expression())
                self._expect("]")
            else:
                return Access(root, tuple(steps), at=at) if steps else root


def _call(name: str, arguments: tuple[Node, ...], at: int) -> Node:
    function = FUNCTIONS.get(name)
    limits = (function.least, function.most) if function else SPECIAL.get(name)
    if limits is None:
        close = difflib.get_close_matches(name, [*FUNCTIONS, *SPECIAL], n=1)
        hint = f"; did you mean '{close[0]}'?" if close else "."
        raise ExpressionError(f"There is no function '{name[:40]}'{hint}", at)
    least, most = limits
    if not least <= len(arguments) <= most:
        wanted = f"{least}" if least == most else f"{least} or more" if most > 10 else f"{least} to {most}"
        raise ExpressionError(f"{name}() takes {wanted} arguments, not {len(arguments)}.", at)
    return Call(name, arguments, at=at)
