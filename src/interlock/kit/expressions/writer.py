"""From a syntax tree back to text: reading that text gives the same tree."""

import json
import re

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
)
from interlock.kit.expressions.parser import is_plain_name

_KEY = re.compile(r"[^\W\d]\w*")


def written_out(node: Node, *, references: bool = False) -> str:
    """The text of a tree; operands that are not simple stand in brackets.

    Args:
        node: what to write.
        references: write every root name as `{{name}}`.
    """
    match node:
        case Literal():
            return _literal(node)
        case Name():
            return f"{{{{{node.name}}}}}" if references or not is_plain_name(node.name) else node.name
        case Access():
            steps = "".join(_step(step, references) for step in node.steps)
            root = written_out(node.root, references=references)
            # A path that begins with a path in brackets is another tree than one long path.
            return (f"({root})" if isinstance(node.root, Access) else _tight(node.root, references)) + steps
        case ListOf():
            return f"[{_joined(node.items, references)}]"
        case ObjectOf():
            pairs = zip(node.keys, node.values, strict=True)
            return (
                "{"
                + ", ".join(f"{_text(key)}: {written_out(value, references=references)}" for key, value in pairs)
                + " }"
            )
        case Call():
            return f"{node.function}({_joined(node.arguments, references)})"
        case _:
            return _operation(node, references)


def _operation(node: Node, references: bool) -> str:
    def part(inner: Node) -> str:
        return _tight(inner, references)

    match node:
        case Negative():
            return f"-{part(node.operand)}"
        case Not():
            return f"!{part(node.operand)}"
        case Arithmetic():
            rest = zip(node.operators, node.rest, strict=True)
            return part(node.first) + "".join(f" {operator} {part(inner)}" for operator, inner in rest)
        case Comparison():
            return f"{part(node.left)} {node.operator} {part(node.right)}"
        case Logic():
            return f" {node.operator} ".join(map(part, node.items))
        case Condition():
            return f"{part(node.test)} ? {part(node.then)} : {part(node.otherwise)}"
        case _:
            raise TypeError(f"{type(node).__name__} is no part of an expression")


def _tight(node: Node, references: bool) -> str:
    text = written_out(node, references=references)
    return text if isinstance(node, Literal | Name | Access | ListOf | ObjectOf | Call) else f"({text})"


def _joined(nodes: tuple[Node, ...], references: bool) -> str:
    return ", ".join(written_out(node, references=references) for node in nodes)


def _step(step: Node, references: bool) -> str:
    if isinstance(step, Literal) and isinstance(step.value, str) and _KEY.fullmatch(step.value):
        return f".{step.value}"
    return f"[{written_out(step, references=references)}]"


def _literal(node: Literal) -> str:
    if isinstance(node.value, str):
        return _text(node.value)
    return json.dumps(node.value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
