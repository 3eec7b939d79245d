"""YAML that is JSON in other clothes: maps, lists, text, numbers, booleans and null; no tags, anchors or aliases.

Words are read as in YAML 1.2's core schema, so that `yes`, `on` and dates stay text. What is written is also read the
same way by YAML 1.1 readers: whatever one of the two would take for something else stands in quotes.
"""

import re
from typing import Any

import yaml

from interlock.kit.errors import InterlockError, malformed

Path = tuple[str | int, ...]

_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INTEGER = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_LONGEST_NUMBER = 400
_LONGEST_SHOWN = 60


class _Dumper(yaml.CSafeDumper):
    """Writes long texts as blocks, and quotes what our reader would not take for text."""


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    # In a block nothing can be escaped, and blanks at the end of a line are lost on editors.
    as_block = "\n" in value and all(line.isprintable() and line == line.rstrip() for line in value.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if as_block else None)


_Dumper.add_representer(str, _text)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def write_yaml(value: Any) -> str:
    """A JSON value as YAML, its fields in their own order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def read_yaml(text: str, *, max_depth: int) -> tuple[Any, dict[Path, int]]:
    """The value of a document, and for each path into it the line it stands on, counted from 1.

    Raises:
        InterlockError: malformed, with `line`: no YAML, more than one document, an anchor, alias or tag, a field twice
            in the same map, or nested too deeply.
    """
    reader = _Reader(max_depth)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _wrong(_line(mark), str(error.problem or error.context)) from error
    except yaml.YAMLError as error:  # a character that no YAML text may hold
        raise _wrong(None, str(error).split("\n", 1)[0]) from error
    return reader.value, reader.lines


def _line(mark: Any) -> int | None:
    return None if mark is None else int(mark.line) + 1


def _wrong(line: int | None, problem: str, hint: str = "Check the indentation and the quotes there.") -> InterlockError:
    where = "" if line is None else f"Line {line}: "
    return malformed(f"{where}{problem}.", hint=hint, line=line)


class _Open:
    """A map or list whose end has not come."""

    __slots__ = ("key", "path", "value")

    def __init__(self, value: dict[str, Any] | list[Any], path: Path) -> None:
        self.value = value
        self.path = path
        self.key: str | None = None


class _Reader:
    """Builds the value out of the parser's events, without recursion."""

    def __init__(self, max_depth: int) -> None:
        self.value: Any = None
        self.lines: dict[Path, int] = {}
        self._max_depth = max_depth
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        """One event after the other."""
        line = int(event.start_mark.line) + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _wrong(line, "anchors and aliases are not read here", "Write the value out where it is used.")
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _wrong(line, "a second document begins", "Send one document.")
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], event.tag, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)

    def _begin(self, value: dict[str, Any] | list[Any], tag: str | None, line: int) -> None:
        _refuse_tag(tag, line)
        if len(self._open) >= self._max_depth:
            raise _wrong(line, f"nested deeper than {self._max_depth} levels", "Flatten it.")
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise _wrong(line, "a field's name must be text")
        self._open.append(_Open(value, self._put(value, line)))

    def _scalar(self, event: Any, line: int) -> None:
        _refuse_tag(event.tag, line)
        if "\x00" in event.value:
            raise _wrong(line, "a NUL character, which cannot be stored", "Leave it out.")
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            name = str(event.value)
            if name in top.value:
                raise _wrong(line, f"the field '{name[:_LONGEST_SHOWN]}' is there twice", "Keep one of them.")
            top.key = name
            return
        self._put(_plain(event.value, line) if event.implicit[0] else event.value, line)

    def _put(self, value: Any, line: int) -> Path:
        if not self._open:
            self.value = value
            path: Path = ()
        else:
            top = self._open[-1]
            step: str | int
            if isinstance(top.value, list):
                step = len(top.value)
                top.value.append(value)
            else:
                step, top.key = str(top.key), None
                top.value[step] = value
            path = (*top.path, step)
        self.lines[path] = line
        return path


def _refuse_tag(tag: str | None, line: int) -> None:
    if tag is not None:
        raise _wrong(line, f"the tag '{tag[:_LONGEST_SHOWN]}' is not read here", "Leave tags out.")


def _plain(text: str, line: int) -> Any:
    """What a word without quotes means."""
    if _NULL.match(text):
        return None
    if _BOOLEAN.match(text):
        return text[0] in "tT"
    is_whole = _INTEGER.match(text) is not None
    if not is_whole and _FLOAT.match(text) is None:
        return text
    if len(text) > _LONGEST_NUMBER:
        raise _wrong(line, "the number is too long", "Put it in quotes to keep it as text.")
    number = int(text) if is_whole else float(text)
    if isinstance(number, float) and number in {float("inf"), float("-inf")}:
        raise _wrong(line, "the number is too large", "Put it in quotes to keep it as text.")
    return number
