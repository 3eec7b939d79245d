"""An n8n workflow file, read leniently: what is missing has a default, what is of the wrong type is said by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.kit.errors import InterlockError, invalid

MOST_NODES = 1_000
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SourceNode:
    """A node of the file.

    Args:
        short: its type without the package: `webhook`, `agent`.
    """

    name: str
    type: str
    short: str
    version: float
    parameters: Mapping[str, Any]
    position: tuple[float, float] | None
    disabled: bool
    retries: int
    goes_on: bool
    has_error_output: bool

    def get(self, *path: str) -> Any:
        """A parameter inside parameters; None where there is none."""
        value: Any = self.parameters
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def text(self, *path: str, default: str = "") -> str:
        """A parameter that should be text."""
        value = self.get(*path)
        return value if isinstance(value, str) else default

    def items(self, *path: str) -> list[dict[str, Any]]:
        """A parameter that should be a list of objects."""
        value = self.get(*path)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    def located(self, *path: str) -> Any:
        """A parameter that newer versions keep in `{"__rl": true, "value": ...}`."""
        value = self.get(*path)
        return value.get("value") if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection: which output of which node leads where, and of what sort it is."""

    source: str
    sort: str
    output: int
    target: str
    input: int


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read."""

    name: str
    nodes: Mapping[str, SourceNode]
    wires: tuple[Wire, ...]
    odd: tuple[str, ...]

    def feeding(self, target: str, sort: str) -> Iterator[SourceNode]:
        """The nodes that a node uses: its model, its tools."""
        for wire in self.wires:
            if wire.target == target and wire.sort == sort:
                yield self.nodes[wire.source]


def read(data: Mapping[str, Any]) -> Source:
    """The file's nodes and wires.

    Raises:
        InterlockError: invalid, when it is no n8n workflow or a node cannot be told from another.
    """
    listed = data.get("nodes")
    if not isinstance(listed, list) or not listed:
        raise _wrong("nodes", "must be a list with at least one node")
    if len(listed) > MOST_NODES:
        raise _wrong("nodes", f"has {len(listed)} nodes; at most {MOST_NODES} can be imported")
    nodes: dict[str, SourceNode] = {}
    for index, item in enumerate(listed):
        node = _node(item, f"nodes[{index}]")
        if node.name in nodes:
            raise _wrong(f"nodes[{index}].name", f"'{node.name}' is there twice; connections go by name")
        nodes[node.name] = node
    connections = data.get("connections")
    if connections is not None and not isinstance(connections, dict):
        raise _wrong("connections", "must be an object")
    odd: list[str] = []
    wires = tuple(dict.fromkeys(_wires(connections or {}, nodes, odd)))
    name = data.get("name")
    return Source(name if isinstance(name, str) else "", nodes, wires, tuple(odd[:50]))


def _wrong(field: str, problem: str) -> InterlockError:
    return invalid(
        f"'workflow.{field}' {problem}.",
        field=f"workflow.{field}",
        hint="Send the JSON that n8n gives for a workflow by Download or by copying its nodes.",
    )


def _node(item: Any, field: str) -> SourceNode:
    if not isinstance(item, dict):
        raise _wrong(field, "must be an object")
    name, kind = item.get("name"), item.get("type")
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
        raise _wrong(f"{field}.name", f"must be text of at most {_LONGEST_NAME} characters")
    if not isinstance(kind, str) or not kind or len(kind) > _LONGEST_NAME:
        raise _wrong(f"{field}.type", f"must be text of at most {_LONGEST_NAME} characters")
    parameters, on_error = item.get("parameters"), item.get("onError")
    return SourceNode(
        name=name,
        type=kind,
        short=kind.rsplit(".", 1)[-1],
        version=_number(item.get("typeVersion"), 1.0),
        parameters=parameters if isinstance(parameters, dict) else {},
        position=_position(item.get("position")),
        disabled=item.get("disabled") is True,
        retries=_retries(item),
        goes_on=on_error == "continueRegularOutput" or (on_error is None and item.get("continueOnFail") is True),
        has_error_output=on_error == "continueErrorOutput",
    )


def _retries(item: Mapping[str, Any]) -> int:
    if item.get("retryOnFail") is not True:
        return 0
    return int(min(max(_number(item.get("maxTries"), 3.0) - 1, 0), 10))


def _number(value: Any, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
    return float(value) if is_number else default


def _position(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    x, y = (part if isinstance(part, int | float) and not isinstance(part, bool) else None for part in value)
    if x is None or y is None or not (abs(x) <= 1e7 and abs(y) <= 1e7):
        return None
    return float(x), float(y)


def _wires(connections: Mapping[str, Any], nodes: Mapping[str, SourceNode], odd: list[str]) -> Iterator[Wire]:
    for source, by_sort in connections.items():
        if source not in nodes or not isinstance(by_sort, dict):
            odd.append(f"Connections of '{source[:80]}' were left out: there is no such node.")
            continue
        for sort, outputs in by_sort.items():
            for output, targets in enumerate(outputs if isinstance(outputs, list) else ()):
                for target in targets if isinstance(targets, list) else ():
                    end = target.get("node") if isinstance(target, dict) else None
                    if not isinstance(end, str) or end not in nodes:
                        odd.append(f"A connection of '{source[:80]}' was left out: it leads nowhere.")
                        continue
                    yield Wire(source, sort, output, end, int(_number(target.get("index"), 0.0)))
