"""From a definition to text and back; this is the only place that knows both. Pure."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from interlock.domains.workflows.exchange.states import Format
from interlock.domains.workflows.exchange.views import Definition
from interlock.domains.workflows.views import Problem
from interlock.kit.errors import InterlockError, malformed
from interlock.kit.json_text import parse_json
from interlock.kit.yaml_text import Path, read_yaml, write_yaml

LONGEST = 500_000
"""Characters of a document; about two thousand nodes."""
MOST_DEEP = 64
_PARTS = {"nodes", "edges"}


def written(definition: Definition, form: Format) -> str:
    """The text of a definition; what has its default value is left out."""
    value: dict[str, Any] = {"interlock": definition.interlock}
    value |= definition.model_dump(mode="json", exclude_defaults=True, exclude={"interlock", *_PARTS})
    value["nodes"] = [node.model_dump(mode="json", exclude_defaults=True) for node in definition.nodes]
    value["edges"] = [edge.model_dump(mode="json", exclude_defaults=True) for edge in definition.edges]
    if form is Format.YAML:
        return write_yaml(value)
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


class Source:
    """A document that was read: its value, and on which line everything stands.

    Raises:
        InterlockError: malformed, naming the line: it is neither YAML nor JSON.
    """

    def __init__(self, text: str) -> None:
        self._json = text if text.lstrip().startswith("{") else None
        self._lines: Mapping[Path, int] = {}
        if self._json is not None:
            self.value = _json(text)
        else:
            self.value, self._lines = read_yaml(text, max_depth=MOST_DEEP)
        if not isinstance(self.value, dict):
            raise malformed("A workflow is a map with 'name', 'nodes' and 'edges'.", hint="Export one to see its form.")

    @property
    def is_of_n8n(self) -> bool:
        """Whether it is a file of n8n's."""
        return "connections" in self.value and "edges" not in self.value

    def definition(self) -> tuple[Definition | None, tuple[Problem, ...]]:
        """What it defines, or why it defines nothing."""
        value = {**self.value, "edges": [_with_text_branch(edge) for edge in _listed(self.value.get("edges"))]}
        if not isinstance(self.value.get("edges", []), list):
            value["edges"] = self.value["edges"]
        try:
            return Definition.model_validate(value), ()
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
            return None, tuple(self._problem(detail["loc"], detail["msg"]) for detail in found)

    def located(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        """The problems of its graph, with the lines they stand on."""
        return tuple(self._located(problem) for problem in problems)

    def _problem(self, place: Path, message: str) -> Problem:
        field = ".".join(str(step) for step in place)
        node = None
        if len(place) > 1 and place[0] == "nodes" and isinstance(place[1], int):
            node = self._id_of(place[1])
            field = ".".join(str(step) for step in place[2:]) or "nodes"
        return Problem(node=node, field=field, message=f"{self._line(place)}'{field}': {message}.")

    def _located(self, problem: Problem) -> Problem:
        place: Path = ()
        if problem.field.startswith("edges["):
            place = ("edges", int(problem.field[6 : problem.field.index("]")]))
        elif problem.node is not None:
            steps = tuple(int(step) if step.isdigit() else step for step in problem.field.split("."))
            place = ("nodes", self._index_of(problem.node), *steps)
        return problem.model_copy(update={"message": f"{self._line(place)}{problem.message}"})

    def _line(self, place: Path) -> str:
        """Where the nearest thing stands that is there."""
        if self._json is not None:
            text, self._json = self._json, None
            with contextlib.suppress(InterlockError):  # JSON that is no YAML: its problems go without lines
                self._lines = read_yaml(text, max_depth=MOST_DEEP)[1]
        for length in range(len(place), 0, -1):
            line = self._lines.get(place[:length])
            if line is not None:
                return f"Line {line}: "
        return ""

    def _id_of(self, index: int) -> str | None:
        node = _listed(self.value.get("nodes"))[index]
        name = node.get("id") if isinstance(node, dict) else None
        return name[:80] if isinstance(name, str) else None

    def _index_of(self, key: str) -> int:
        nodes = enumerate(_listed(self.value.get("nodes")))
        return next((index for index, node in nodes if isinstance(node, dict) and node.get("id") == key), -1)


def _json(text: str) -> Any:
    try:
        return parse_json(text.encode(), max_depth=MOST_DEEP)
    except InterlockError as error:
        if not isinstance(error.__cause__, orjson.JSONDecodeError):
            raise
        cause = error.__cause__
        words = f"Line {cause.lineno}, column {cause.colno}: {cause.msg}."
        raise malformed(words, hint="Check the commas and quotes there.", line=cause.lineno) from error


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _with_text_branch(edge: Any) -> Any:
    """`branch: true` without quotes means the branch of that name: there are no others it could mean."""
    if isinstance(edge, dict) and isinstance(edge.get("branch"), bool):
        return {**edge, "branch": str(edge["branch"]).lower()}
    return edge
