"""The syntax tree of an expression: frozen data, walked by the evaluator, never compiled to code."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of an expression; `at` is its offset in the text."""

    at: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value written out: null, a truth value, a number or text."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A root name, read from the scope."""

    name: str


@dataclass(frozen=True, slots=True)
class Access(Node):
    """`root.a["b"][0]`: a way into a value."""

    root: Node
    steps: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ObjectOf(Node):
    """`{k: v}`."""

    keys: tuple[str, ...]
    values: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """`-a`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Not(Node):
    """`not a`, `!a`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """A run of operators of one strength, left to right; flat, so that a long sum is not a deep tree."""

    first: Node
    operators: tuple[str, ...]
    rest: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`a == b`, `a < b`, `a in b` and their like."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """`a and b`, `a or b`, `a ?? b`: evaluated left to right until decided."""

    operator: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Condition(Node):
    """`test ? then : otherwise`."""

    test: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`f(a, b)`."""

    function: str
    arguments: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node, in the order they are written."""
    match node:
        case Access():
            return (node.root, *node.steps)
        case ListOf() | Logic():
            return node.items
        case ObjectOf():
            return node.values
        case Negative() | Not():
            return (node.operand,)
        case Arithmetic():
            return (node.first, *node.rest)
        case Comparison():
            return (node.left, node.right)
        case Condition():
            return (node.test, node.then, node.otherwise)
        case Call():
            return node.arguments
        case _:
            return ()


def rebuilt(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node around other parts."""
    match node:
        case Access():
            return replace(node, root=parts[0], steps=parts[1:])
        case ListOf() | Logic():
            return replace(node, items=parts)
        case ObjectOf():
            return replace(node, values=parts)
        case Negative() | Not():
            return replace(node, operand=parts[0])
        case Arithmetic():
            return replace(node, first=parts[0], rest=parts[1:])
        case Comparison():
            return replace(node, left=parts[0], right=parts[1])
        case Condition():
            return replace(node, test=parts[0], then=parts[1], otherwise=parts[2])
        case Call():
            return replace(node, arguments=parts)
        case _:
            return node


def rewrite(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The tree with some nodes exchanged, outermost first; None leaves a node and goes on inside it."""
    changed = change(node)
    if changed is not None:
        return changed
    parts = children(node)
    return rebuilt(node, tuple(rewrite(part, change) for part in parts)) if parts else node


def walk(node: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth; the root has depth 1."""
    waiting = [(node, 1)]
    while waiting:
        current, depth = waiting.pop()
        yield current, depth
        waiting.extend((part, depth + 1) for part in children(current))
