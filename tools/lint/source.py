"""What a rule reads and what it answers: a source file, its skip marks, and findings."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

MARK = re.compile(r"lint: allow (?P<rule>[a-z-]+)(?P<reason> - \S.*)?")


@dataclass(frozen=True)
class Finding:
    """One place where a rule does not hold."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.rule} {self.message}"


@dataclass(frozen=True)
class Mark:
    """A skip mark: it lets one rule pass on its own line and on the line after it."""

    line: int
    rule: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Tell whether this mark excuses the finding."""
        return bool(self.reason) and self.rule == finding.rule and finding.line in (self.line, self.line + 1)


@dataclass(frozen=True)
class Source:
    """A tracked text file, by its path from the project root."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The path in pieces."""
        return PurePosixPath(self.path).parts

    @property
    def is_python(self) -> bool:
        """Tell whether the file has a syntax tree."""
        return self.path.endswith(".py")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree.

        Raises:
            SyntaxError: the file is not Python.
        """
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def lines(self) -> list[str]:
        """The text by lines."""
        return self.text.splitlines()

    @cached_property
    def marks(self) -> list[Mark]:
        """Every skip mark; in Python only comments count, so that a rule's own tests may quote one."""
        found = []
        for line, comment in self._comments():
            if match := MARK.search(comment):
                found.append(Mark(line, match["rule"], (match["reason"] or "").removeprefix(" - ").strip()))
        return found

    def inside(self, *prefix: str) -> bool:
        """Tell whether the file lies under the given folders."""
        return self.parts[: len(prefix)] == prefix

    def finding(self, node: ast.AST | int, rule: str, message: str) -> Finding:
        """Report a place in this file."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return Finding(self.path, line, rule, message)

    def _comments(self) -> Iterator[tuple[int, str]]:
        if not self.is_python:
            yield from enumerate(self.lines, start=1)
            return
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
